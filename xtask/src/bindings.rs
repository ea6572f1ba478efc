//! `cargo xtask bindings`: the modules for other languages, made from the built library, and what is public in them.
//!
//! What is public is committed (`ffi/api`, and `sdk/api` for Rust), and the part `bindings` fails when it is not what the sources and the
//! library give: a change that apps may notice is seen in review.

mod changes;
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
use crate::test;
use crate::workspace::Workspace;

/// Where the committed lists of what apps use are: the layers that are written by hand.
const LAYERS: &str = "ffi/api";
/// Where those of the generated modules are, which the layers call and partly pass on.
const GENERATED: &str = "ffi/api/generated";

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

/// What to list.
#[derive(Args)]
pub(crate) struct Options {
    /// Only what is read from the sources, without a build: the Rust crates, and the layers of Kotlin, Swift and Python
    #[arg(long)]
    sources: bool,
    /// Write nothing, and fail where a list is not the committed one
    #[arg(long)]
    check: bool,
}

/// Generates everything and writes the lists anew, or compares them.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let root = &workspace.root;
    let mut report = Report::new();
    report.part("rust", || {
        let lines = if options.check { rust::check(root)? } else { rust::record(root)? };
        Outcome::passed(format!("{lines} lines in {}", rust::FOLDER))
    });
    report.part("layers", || {
        let lines = settle(root, LAYERS, options.check, |language| surface::layer(root, language))?;
        Outcome::passed(format!("{lines} lines in {LAYERS}"))
    });
    if options.sources {
        return Ok(report.finish());
    }
    report.part("generated", || {
        build(&workspace)?;
        let lines = settle(root, GENERATED, options.check, |language| generated(&workspace, language))?;
        Outcome::passed(format!("{lines} lines in {GENERATED}, of {}", workspace.target().join("bindings").display()))
    });
    Ok(report.finish())
}

/// Fails when a list is not the committed one.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let root = &workspace.root;
    let mut lines = rust::check(root)?;
    lines += settle(root, LAYERS, true, |language| surface::layer(root, language))?;
    build(workspace)?;
    lines += settle(root, GENERATED, true, |language| generated(workspace, language))?;
    Outcome::passed(format!("Rust and {} languages, {lines} declarations", Language::ALL.len()))
}

/// Compares the list of each language with the one that is committed in `folder`, or writes it there. Returns how many lines
/// there are.
fn settle(root: &Path, folder: &str, check: bool, list: impl Fn(Language) -> Result<String>) -> Result<usize> {
    let (mut lines, mut wrong) = (0, String::new());
    fs::create_dir_all(root.join(folder)).with_context(|| format!("cannot create {folder}"))?;
    for language in Language::ALL {
        let file = format!("{folder}/{}.txt", language.name());
        let given = list(language)?;
        if given.is_empty() {
            bail!("nothing is public for {}", language.name());
        }
        lines += given.lines().count();
        if !check {
            fs::write(root.join(&file), given).with_context(|| format!("cannot write {file}"))?;
            continue;
        }
        let committed = fs::read_to_string(root.join(&file)).unwrap_or_default();
        if let Some(changes) = changes::changes(&committed, &given) {
            wrong += &format!("{file} is not what there is:\n{changes}");
        }
    }
    if !wrong.is_empty() {
        let option = if folder == LAYERS { " --sources" } else { "" };
        bail!("{wrong}then run cargo xtask bindings{option} and commit what it wrote");
    }
    Ok(lines)
}

/// Builds the library and the generator.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    test::build_all(workspace, "bindings-build")
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

/// What is public in the generated module of a language.
fn generated(workspace: &Workspace, language: Language) -> Result<String> {
    let folder = workspace.target().join("bindings").join(language.name());
    // What an older library gave must not be read again.
    let _ = fs::remove_dir_all(&folder);
    generate(workspace, language, &folder)?;
    surface::generated(&workspace.root, language, &files(&folder, language.extension())?)
}

/// All files of a language below a folder, in order.
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
