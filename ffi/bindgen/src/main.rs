//! Generates the bindings from the built library, in the version of UniFFI that the library was built with.

fn main() {
    uniffi::uniffi_bindgen_main();
}
