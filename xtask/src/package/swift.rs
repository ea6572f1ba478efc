//! The Swift package: its sources with the generated code and the library, as a folder and as a ZIP file. On macOS the library
//! is the XCFramework for phones, elsewhere a shared library with all features.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::bindings::{self, swift};
use crate::library;
use crate::process;
use crate::report::Outcome;
use crate::swift::{PLACE, System};
use crate::workspace::Workspace;

/// Where the package is.
const SOURCE: &str = "ffi/bindings/swift";
/// What a package for others consists of.
const PARTS: [&str; 3] = ["Package.swift", "README.md", "Sources"];
/// What Apple's systems link.
const FRAMEWORK: &str = "CardeaFFI.xcframework";
/// Makes a ZIP file of a folder, with its name in front: the same content makes the same file.
const ARCHIVE: &str = "
import pathlib, sys, zipfile
folder, archive = pathlib.Path(sys.argv[1]), zipfile.ZipFile(sys.argv[2], 'w')
for file in sorted(file for file in folder.rglob('*') if file.is_file()):
    entry = zipfile.ZipInfo(file.relative_to(folder.parent).as_posix(), (2026, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (file.stat().st_mode | 0o100000) << 16
    archive.writestr(entry, file.read_bytes())
archive.close()
";
/// A program that depends on the package by its path.
const MANIFEST: &str = "// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: \"App\",
    platforms: [.macOS(.v12)],
    dependencies: [.package(path: \"../Cardea\")],
    targets: [
        .executableTarget(name: \"App\", dependencies: [.product(name: \"CardeaFull\", package: \"Cardea\")])
    ]
)
";
/// What that program does, without a server.
const PROGRAM: &str = "import CardeaFull

let wallet = try await Wallet.open()
let tokens = try await wallet.tokens()
precondition(tokens.isEmpty)
do {
    _ = try Invitation.fromText(text: \"none\")
} catch let error as CardeaError {
    precondition(error.code == 111)
}
do {
    _ = try VerifiedReceipt(verifying: \"{}\")
} catch let error as CardeaError {
    precondition(error.code == 169)
}
print(\"works with \\(version())\")
";

/// Assembles the package in `target/package/swift`, with the XCFramework where that can be made, packs it, and tries it.
pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    let place = workspace.target().join("package/swift");
    let package = place.join("Cardea");
    // What an older one had must not be in this one.
    let _ = fs::remove_dir_all(&place);
    for part in PARTS {
        swift::copy(&workspace.root.join(SOURCE).join(part), &package.join(part))?;
    }
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        swift::copy(&workspace.root.join(license), &package.join(license))?;
    }
    if cfg!(target_os = "macos") {
        framework(workspace, &package)?;
    } else {
        shared(workspace, &package)?;
    }
    let version = &workspace.package("cardea-ffi")?.version;
    let name = format!("Cardea-{version}-{}-{}.zip", std::env::consts::OS, std::env::consts::ARCH);
    let (archive, sum) = pack(workspace, &package, &place.join(&name))?;
    let shown = format!("{name}, {} bytes, checksum {sum}", fs::metadata(&archive)?.len());
    if cfg!(target_os = "macos") {
        let (framework, sum) =
            pack(workspace, &package.join(FRAMEWORK), &place.join(format!("{FRAMEWORK}-{version}.zip")))?;
        return Outcome::passed(format!("{shown}; {} with checksum {sum}", framework.display()));
    }
    let tried = match System::provide(workspace)? {
        Ok(system) => try_it(workspace, &system, &archive, &sum)?,
        Err(why) => return Outcome::passed(format!("{shown}; not tried: {why}")),
    };
    Outcome::passed(format!("{shown}; a fresh package {tried}; {FRAMEWORK} skipped: only macOS with Xcode can make it"))
}

/// The XCFramework, and the generated code for it. It is what phones get, without what features bring, unless
/// `CARDEA_FEATURES` is `all`.
fn framework(workspace: &Workspace, package: &Path) -> Result<()> {
    let library = if std::env::var("CARDEA_FEATURES").is_ok_and(|features| features == "all") {
        bindings::build(workspace)?;
        bindings::library(workspace)
    } else {
        fs::remove_dir_all(package.join(swift::FULL)).with_context(|| format!("there is no {}", swift::FULL))?;
        generator(workspace)?;
        bindings::lean(workspace)?
    };
    let generated = workspace.target().join("swift/generated-package");
    swift::generate(workspace, &library, &generated, &package.join("Sources"))?;
    let source = workspace.root.join(SOURCE);
    let mut script = Command::new(source.join("xcframework.sh"));
    process::logged(script.arg(&generated), &workspace.log("package-swift"))?;
    swift::copy(&source.join(FRAMEWORK), &package.join(FRAMEWORK))
}

/// The shared library with all features, the generated code for it, and how linkers find it.
fn shared(workspace: &Workspace, package: &Path) -> Result<()> {
    generator(workspace)?;
    let built = library::build(workspace, "all", &workspace.log("package-swift"))?;
    let generated = workspace.target().join("swift/generated-package");
    swift::generate(workspace, &built, &generated, &package.join("Sources"))?;
    let folder = package.join("lib/pkgconfig");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let stripped = package.join("lib").join(bindings::library_name());
    library::strip(&built, &stripped, &workspace.log("package-swift-strip"))?;
    fs::write(folder.join("cardea_ffi.pc"), pkg_config(&workspace.package("cardea-ffi")?.version))
        .context("cannot write the file for pkg-config")
}

/// How linkers find the library, wherever the package lies.
fn pkg_config(version: &str) -> String {
    format!(
        "libdir=${{pcfiledir}}/..\n\nName: cardea_ffi\nDescription: The library of Cardea\nVersion: {version}\n\
         Libs: -L${{libdir}} -lcardea_ffi\n"
    )
}

/// Builds what writes the code.
fn generator(workspace: &Workspace) -> Result<()> {
    let mut build = process::cargo(&workspace.root);
    build.args(["build", "--quiet", "--locked", "-p", "cardea-bindgen"]);
    process::logged(&mut build, &workspace.log("package-swift-bindgen")).map(drop)
}

/// Packs a folder; the file, and the checksum by which the Swift package manager knows it, which is beside it, too.
fn pack(workspace: &Workspace, folder: &Path, archive: &Path) -> Result<(PathBuf, String)> {
    let mut pack = Command::new("python3");
    process::logged(pack.args(["-c", ARCHIVE]).arg(folder).arg(archive), &workspace.log("package-swift-zip"))?;
    let sum = checksum(&fs::read(archive).with_context(|| format!("cannot read {}", archive.display()))?);
    fs::write(archive.with_extension("zip.checksum"), format!("{sum}\n")).context("cannot write the checksum")?;
    Ok((archive.to_owned(), sum))
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Unpacks the archive, has a fresh package depend on what is in it, builds and runs that. Says what it printed.
fn try_it(workspace: &Workspace, system: &System, archive: &Path, sum: &str) -> Result<String> {
    let fresh = system.place().join("fresh");
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(fresh.join("App/Sources/App")).context("cannot make a fresh package")?;
    let mut unpack = Command::new("python3");
    unpack.args(["-m", "zipfile", "-e"]).arg(archive).arg(&fresh);
    process::logged(&mut unpack, &workspace.log("package-swift-unzip"))?;
    fs::copy(archive, fresh.join("Cardea.zip")).context("cannot copy the archive")?;
    fs::write(fresh.join("App/Package.swift"), MANIFEST).context("cannot write the fresh package")?;
    fs::write(fresh.join("App/Sources/App/main.swift"), PROGRAM).context("cannot write the fresh package")?;

    let (app, archive) = (format!("/{PLACE}/fresh/App"), format!("/{PLACE}/fresh/Cardea.zip"));
    let mut compute = system.command(&[], &["swift", "package", "compute-checksum", &archive]);
    let theirs = process::output(&mut compute)?;
    if theirs.trim() != sum {
        bail!("the Swift package manager's checksum is {}, not {sum}", theirs.trim());
    }
    let (lib, pc) = (format!("/{PLACE}/fresh/Cardea/lib"), format!("/{PLACE}/fresh/Cardea/lib/pkgconfig"));
    let mut build = system.command(
        &[("PKG_CONFIG_PATH", &pc)],
        &["swift", "build", "--disable-sandbox", "--package-path", &app, "--pkg-config-path", &pc],
    );
    process::logged(&mut build, &workspace.log("package-swift-build"))?;
    let mut run = system.command(&[("LD_LIBRARY_PATH", &lib)], &[&format!("{app}/.build/debug/App")]);
    let said = process::output(&mut run)?;
    let expected = format!("works with {}", workspace.package("cardea-ffi")?.version);
    if said.trim() != expected {
        bail!("the program that uses the package printed {said:?}");
    }
    Ok(expected)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A program that writes down how it was called, and makes the file after `-output`.
    const FAKE: &str = "#!/bin/sh\necho \"$(basename \"$0\") $*\" >> \"$CALLS\"\n\
                        while [ $# -gt 0 ]; do [ \"$1\" = -output ] && mkdir -p \"$(dirname \"$2\")\" && touch \"$2\"; shift; done\n";

    fn program(folder: &Path, name: &str, text: &str) -> Result<()> {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?)
    }

    #[test]
    fn a_checksum_is_the_one_of_the_swift_package_manager() {
        // `swift package compute-checksum` of a file with these bytes; `run` compares it for every package.
        assert_eq!(checksum(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn the_same_folder_makes_the_same_archive_with_its_name_in_front() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let content = folder.path().join("Cardea");
        fs::create_dir_all(content.join("lib"))?;
        fs::write(content.join("lib/b"), "b")?;
        program(&content, "a.sh", "#!/bin/sh\n")?;
        let made = |name: &str| -> Result<Vec<u8>> {
            let archive = folder.path().join(name);
            process::output(Command::new("python3").args(["-c", ARCHIVE]).arg(&content).arg(&archive))?;
            Ok(fs::read(archive)?)
        };
        let first = made("first.zip")?;
        assert_eq!(first, made("second.zip")?);
        let mut list = Command::new("python3");
        list.args(["-c", "import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).namelist())"]);
        let names = process::output(list.arg(folder.path().join("first.zip")))?;
        assert_eq!(names.trim(), "['Cardea/a.sh', 'Cardea/lib/b']");
        Ok(())
    }

    #[test]
    fn the_script_builds_every_target_and_joins_what_belongs_together() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let place = folder.path().join("project").join(SOURCE);
        let tools = folder.path().join("tools");
        fs::create_dir_all(&place)?;
        fs::create_dir_all(&tools)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SOURCE).join("xcframework.sh");
        program(&place, "xcframework.sh", &fs::read_to_string(script)?)?;
        for name in ["cargo", "lipo", "xcodebuild"] {
            program(&tools, name, FAKE)?;
        }
        fs::write(folder.path().join("CardeaFFI.h"), "")?;
        let (calls, path) = (folder.path().join("calls"), std::env::var("PATH")?);
        let mut run = Command::new(place.join("xcframework.sh"));
        run.arg(folder.path()).env("CALLS", &calls).env("PATH", format!("{}:{path}", tools.display()));
        process::output(&mut run)?;
        let calls = fs::read_to_string(calls)?;
        assert!(!calls.contains("--features"), "{calls}");
        let count = |word: &str| calls.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!((count("cargo rustc"), count("lipo"), count("xcodebuild")), (5, 2, 1), "{calls}");
        let last = calls.lines().last().unwrap_or_default();
        assert_eq!(last.matches("-library").count(), 3, "{last}");
        assert!(
            last.contains("aarch64-apple-ios/release-ffi") && last.contains("simulator/") && last.contains("macos/")
        );
        let map = folder.path().join("project/target/xcframework/include/CardeaFFI/module.modulemap");
        assert!(fs::read_to_string(map)?.starts_with("module CardeaFFI {"));
        process::output(run.env("CARDEA_FEATURES", "all"))?;
        let calls = fs::read_to_string(folder.path().join("calls"))?;
        assert_eq!(calls.lines().filter(|line| line.ends_with("--features all")).count(), 5, "{calls}");
        // A compiler that fails ends it, and no framework is left.
        program(&tools, "cargo", "#!/bin/sh\nexit 1\n")?;
        assert!(process::output(&mut run).is_err());
        assert!(!place.join("CardeaFFI.xcframework").exists());
        Ok(())
    }
}
