//! `cargo xtask bindings`: the modules for other languages, made from the built library, and what is public in them.
//!
//! What is public is committed (`ffi/api`, and `sdk/api` for Rust), and the part `bindings` fails when it is not what the library gives: a
//! change that apps may notice is seen in review.

mod rust;
mod surface;
pub(crate) mod swift;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::process;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// Where the committed surfaces are.
const FOLDER: &str = "ffi/api";

/// A language that bindings are generated for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Kotlin,
    Python,
    Swift,
}

impl Language {
    const ALL: [Self; 3] = [Self::Kotlin, Self::Python, Self::Swift];

    /// Its name, as the generator knows it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kotlin => "kotlin",
            Self::Python => "python",
            Self::Swift => "swift",
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Kotlin => "kt",
            Self::Python => "py",
            Self::Swift => "swift",
        }
    }
}

/// What to write.
#[derive(Args)]
pub(crate) struct Options {
    /// Only the lists of the Rust crates, which need no build
    #[arg(long)]
    rust: bool,
}

/// Generates everything and writes the surfaces anew.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    report.part("rust", || Outcome::passed(format!("{} lines in {}", rust::record(&workspace.root)?, rust::FOLDER)));
    if options.rust {
        return Ok(report.finish());
    }
    report.part("bindings", || {
        let folder = workspace.root.join(FOLDER);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {FOLDER}"))?;
        build(&workspace)?;
        for language in Language::ALL {
            let text = surface(&workspace, language)?;
            let file = folder.join(format!("{}.txt", language.name()));
            fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Outcome::passed(format!("in {}", workspace.target().join("bindings").display()))
    });
    Ok(report.finish())
}

/// Fails when a surface is not the committed one.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let mut lines = rust::check(&workspace.root)?;
    build(workspace)?;
    for language in Language::ALL {
        let text = surface(workspace, language)?;
        let file = format!("{FOLDER}/{}.txt", language.name());
        let committed = fs::read_to_string(workspace.root.join(&file)).unwrap_or_default();
        if committed != text {
            bail!(
                "{file} is not what the library gives; it differs in:\n{}run cargo xtask bindings, and say in the \
                   changelog what apps have to change",
                difference(&committed, &text)
            );
        }
        lines += text.lines().count();
    }
    Outcome::passed(format!("Rust and {} languages, {lines} declarations", Language::ALL.len()))
}

/// Builds the library and the generator, with the command of the part `build`, so that nothing is built twice.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let mut build = process::cargo(&workspace.root);
    build.args(["build", "--quiet", "--locked", "--workspace", "--all-targets"]);
    process::logged(&mut build, &workspace.log("bindings-build")).map(drop)
}

/// The file name of the library.
pub(crate) fn library_name() -> String {
    format!("{}cardea_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// The library as it was built for tests.
pub(crate) fn library(workspace: &Workspace) -> PathBuf {
    workspace.target().join("debug").join(library_name())
}

/// Builds the library without any feature, as phones get it, in a form that only the generator reads: it lies beside the one
/// that tests load, and takes nothing's place.
pub(crate) fn lean(workspace: &Workspace) -> Result<PathBuf> {
    let mut build = process::cargo(&workspace.root);
    build.args(["rustc", "--quiet", "--locked", "-p", "cardea-ffi", "--lib", "--crate-type", "lib"]);
    process::logged(build.arg("--no-default-features"), &workspace.log("bindings-lean"))?;
    let built = workspace.target().join("debug/libcardea_ffi.rlib");
    let lean = workspace.target().join("bindings/lean.rlib");
    fs::create_dir_all(workspace.target().join("bindings")).context("cannot make a folder for the lean library")?;
    fs::copy(&built, &lean).with_context(|| format!("cannot copy {}", built.display()))?;
    Ok(lean)
}

/// Generates the module of a language from the built library into `folder`.
pub(crate) fn generate(workspace: &Workspace, language: Language, folder: &Path) -> Result<()> {
    generate_from(workspace, &library(workspace), language, folder)
}

/// Generates the module of a language from a library into `folder`.
pub(crate) fn generate_from(workspace: &Workspace, library: &Path, language: Language, folder: &Path) -> Result<()> {
    let mut command = Command::new(workspace.program(&generator(workspace)?));
    command
        .current_dir(&workspace.root)
        .arg("generate")
        .arg(library)
        .args(["--language", language.name(), "--no-format", "--out-dir"])
        .arg(folder);
    process::logged(&mut command, &workspace.log(&format!("bindings-{}", language.name()))).map(drop)
}

fn generator(workspace: &Workspace) -> Result<String> {
    let package = workspace.crates.iter().find(|package| package.name == "cardea-bindgen");
    let mut targets = package.into_iter().flat_map(|package| &package.targets);
    let program = targets.find(|target| target.kind.iter().any(|kind| kind == "bin"));
    Ok(program.context("cardea-bindgen has no program")?.name.clone())
}

fn surface(workspace: &Workspace, language: Language) -> Result<String> {
    let folder = workspace.target().join("bindings").join(language.name());
    // What an older library gave must not be read again.
    let _ = fs::remove_dir_all(&folder);
    generate(workspace, language, &folder)?;
    let mut files = Vec::new();
    collect(&folder, language.extension(), &mut files)?;
    files.sort();
    let mut text = String::new();
    for file in files {
        let source = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        text += &surface::of(language, &source);
    }
    if text.is_empty() {
        bail!("nothing was generated for {}", language.name());
    }
    Ok(text)
}

fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, extension, files)?;
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    Ok(())
}

/// Lines that only one of the two has.
fn difference(committed: &str, given: &str) -> String {
    let only = |from: &str, other: &str, sign: char| {
        let other: Vec<&str> = other.lines().collect();
        let lines = from.lines().filter(move |line| !other.contains(line));
        lines.map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    only(committed, given, '-') + &only(given, committed, '+')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_the_lines() {
        assert_eq!(difference("a\nb\n", "b\nc\n"), "- a\n+ c\n");
    }
}
