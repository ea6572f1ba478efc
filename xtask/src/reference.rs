//! `cargo xtask reference`: a page for each language with everything that an app can name and what it is for.
//!
//! Kotlin, Python and Swift have no generator of such pages that the checks could count on, and none that knows both the
//! layer of a language and what UniFFI generates below it. So the pages are made from the comments: of the layers'
//! sources, and of the Rust code that the generated names come from, in each language's spelling. Rust has `cargo doc`.

mod core;
mod layer;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::bindings::Language;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// Something with a name: a type, or a function or value in one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// 0 for what stands by itself, 1 for what is in it, and so on.
    depth: usize,
    /// As it is declared, in the language's own words.
    declaration: String,
    /// What it is for. Empty where nobody has said.
    text: String,
}

/// The pages of one language.
struct Page {
    language: Language,
    entries: Vec<Entry>,
}

/// Writes the pages below the folder of builds.
pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let folder = workspace.target().join("reference");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut report = Report::new();
    for page in pages(&workspace.root)? {
        let name = page.language.name();
        report.part(name, || {
            let silent = silent(&page);
            if !silent.is_empty() {
                bail!("nobody says what these are for:\n{}", silent.join("\n"));
            }
            let file = folder.join(format!("{name}.md"));
            fs::write(&file, written(&page)).with_context(|| format!("cannot write {}", file.display()))?;
            Outcome::passed(format!("{} entries in {}", page.entries.len(), file.display()))
        });
    }
    Ok(report.finish())
}

fn pages(root: &Path) -> Result<Vec<Page>> {
    let core = core::Core::read(&root.join("ffi/src"))?;
    let bindings = root.join("ffi/bindings");
    let mut kotlin = Vec::new();
    for sources in ["main", "full", "android"] {
        for file in files(&bindings.join("kotlin/src").join(sources), "kt")? {
            kotlin.extend(layer::kotlin(&read(&file)?));
        }
    }
    let python = bindings.join("python/src/cardea");
    let exported = layer::python_exports(&read(&python.join("__init__.py"))?);
    let mut snake = Vec::new();
    for file in files(&python, "py")? {
        snake.extend(layer::python(&read(&file)?, &exported));
    }
    snake.extend(core.entries(Language::Python, |name| exported.iter().any(|exported| exported == name)));
    let mut swift = core.entries(Language::Swift, |_| true);
    for file in files(&bindings.join("swift/Sources/Cardea"), "swift")? {
        swift.extend(layer::swift(&read(&file)?));
    }
    let page = |language, entries| Page { language, entries };
    Ok(vec![page(Language::Kotlin, kotlin), page(Language::Python, snake), page(Language::Swift, swift)])
}

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// What has no text.
fn silent(page: &Page) -> Vec<&str> {
    let silent = page.entries.iter().filter(|entry| entry.text.is_empty());
    silent.map(|entry| entry.declaration.as_str()).collect()
}

fn written(page: &Page) -> String {
    let (name, fence) = match page.language {
        Language::Kotlin => ("Kotlin", "kotlin"),
        Language::Python => ("Python", "python"),
        Language::Swift => ("Swift", "swift"),
    };
    let mut text = format!(
        "# Cardea for {name}: reference\n\nMade from the sources by `cargo xtask reference`. How the parts belong together is in `docs/sdk/guide.md`, every \
         error in `docs/sdk/errors.md`.\n"
    );
    for entry in &page.entries {
        let Entry { depth, declaration, text: what } = entry;
        if *depth == 0 {
            text += &format!("\n## {}\n\n```{fence}\n{declaration}\n```\n\n{what}\n", title(declaration));
        } else {
            let indent = "  ".repeat(depth - 1);
            let what = what.replace('\n', &format!("\n{indent}  "));
            text += &format!("\n{indent}- `{declaration}`\n\n{indent}  {what}\n");
        }
    }
    text
}

/// The name in a declaration: the first word that is not one of the language.
fn title(declaration: &str) -> &str {
    const WORDS: [&str; 19] = [
        "public",
        "open",
        "final",
        "class",
        "data",
        "enum",
        "sealed",
        "interface",
        "object",
        "fun",
        "suspend",
        "val",
        "struct",
        "protocol",
        "func",
        "extension",
        "async",
        "def",
        "typealias",
    ];
    let mut words = declaration.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    words.find(|word| !WORDS.contains(word)).unwrap_or(declaration)
}

#[cfg(test)]
mod tests;
