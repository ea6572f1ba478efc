#!/bin/sh
# Makes CardeaFFI.xcframework beside this script: the library for iOS, its simulator, and macOS. Needs macOS with Xcode, and
# rustup's targets for these and its component rust-src. The first argument is the folder with the generated CardeaFFI.h; CARDEA_FEATURES may name
# features of cardea-ffi.
set -eu

headers=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/target/xcframework
library=libcardea_ffi.a
export IPHONEOS_DEPLOYMENT_TARGET=15.0 MACOSX_DEPLOYMENT_TARGET=12.0

rm -rf "$work" "$here/CardeaFFI.xcframework"
# A folder of its own: two modules with a map each would be in each other's way in one app.
mkdir -p "$work/include/CardeaFFI" "$work/simulator" "$work/macos"
cp "$headers/CardeaFFI.h" "$work/include/CardeaFFI/"
printf 'module CardeaFFI {\n    header "CardeaFFI.h"\n    export *\n}\n' > "$work/include/CardeaFFI/module.modulemap"

# With the crate's other types beside it, cargo would leave the optimization over all crates out.
for target in aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios aarch64-apple-darwin x86_64-apple-darwin; do
    RUSTC_BOOTSTRAP=1 cargo rustc --config "$root/ffi/release.toml" --config "$root/ffi/phones.toml" --locked \
        --profile release-ffi -p cardea-ffi --lib --crate-type staticlib \
        --target "$target" --manifest-path "$root/Cargo.toml" ${CARDEA_FEATURES:+--features "$CARDEA_FEATURES"}
done
built() { printf '%s' "$root/target/$1/release-ffi/$library"; }
lipo -create "$(built aarch64-apple-ios-sim)" "$(built x86_64-apple-ios)" -output "$work/simulator/$library"
lipo -create "$(built aarch64-apple-darwin)" "$(built x86_64-apple-darwin)" -output "$work/macos/$library"

xcodebuild -create-xcframework \
    -library "$(built aarch64-apple-ios)" -headers "$work/include" \
    -library "$work/simulator/$library" -headers "$work/include" \
    -library "$work/macos/$library" -headers "$work/include" \
    -output "$here/CardeaFFI.xcframework"
