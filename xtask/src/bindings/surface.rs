//! What is public in Kotlin, Swift and Python: a line for each declaration, without bodies and comments, sorted by its path.
//!
//! It is read from the sources, as for Rust (`docs/adr/0026-public-rust-names-from-the-sources.md`): those of the layers, which apps
//! use, and those that the generator makes of the library.

mod kotlin;
mod python;
mod swift;
mod tokens;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{Language, files};

/// Where the layers are.
const BINDINGS: &str = "ffi/bindings";
/// The folders of the Kotlin layer, and what is said of those that not every app has.
const KOTLIN: [(&str, &str); 3] = [("main", ""), ("full", "(not on phones) "), ("android", "(on Android) ")];
/// The modules of the Swift layer.
const SWIFT: [&str; 2] = ["Cardea", "CardeaFull"];
/// Lines with these pieces are of the generator's own machinery.
const MACHINERY: [&str; 7] =
    ["Uniffi", "uniffi", "FfiConverter", "RustBuffer", "NoHandle", "FromHandle", "ForeignBytes"];

/// What apps see of the layer of a language.
pub(super) fn layer(root: &Path, language: Language) -> Result<String> {
    let bindings = root.join(BINDINGS);
    let lines = match language {
        Language::Kotlin => {
            let mut sources = Vec::new();
            for (folder, place) in KOTLIN {
                let folder = bindings.join("kotlin/src").join(folder);
                sources.extend(read(&files(&folder, language.extension())?)?.into_iter().map(|source| (place, source)));
            }
            kotlin::lines(sources.iter().map(|(place, source)| (*place, source.as_str())))
        }
        Language::Swift => {
            let mut lines = BTreeSet::new();
            for module in SWIFT {
                let sources = read(&files(&bindings.join("swift/Sources").join(module), language.extension())?)?;
                lines.extend(swift::lines(module, sources.iter().map(String::as_str)));
            }
            lines
        }
        Language::Python => python::lines(root, "cardea", &bindings.join("python/src/cardea"))?,
    };
    Ok(sorted(lines))
}

/// What is public in the generated `files` of a language, but for the generator's own machinery.
pub(super) fn generated(root: &Path, language: Language, files: &[PathBuf]) -> Result<String> {
    let mut lines = match language {
        Language::Kotlin => kotlin::lines(read(files)?.iter().map(|source| ("", source.as_str()))),
        Language::Swift => swift::lines("CardeaGenerated", read(files)?.iter().map(String::as_str)),
        Language::Python => {
            let file = files.iter().find(|file| file.ends_with("cardea_ffi.py"));
            python::lines(root, "cardea._ffi", file.context("no module was generated for Python")?)?
        }
    };
    // Python's says itself what is public.
    lines.retain(|line| language == Language::Python || !MACHINERY.iter().any(|piece| line.contains(piece)));
    Ok(sorted(lines))
}

fn read(files: &[PathBuf]) -> Result<Vec<String>> {
    let read = |file: &PathBuf| fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()));
    files.iter().map(read).collect()
}

/// The lines as a text: a type before what is in it.
fn sorted(lines: BTreeSet<String>) -> String {
    let mut lines: Vec<String> = lines.into_iter().collect();
    lines.sort_by(|one, other| one.split_once(": ").cmp(&other.split_once(": ")));
    lines.into_iter().map(|line| line + "\n").collect()
}
