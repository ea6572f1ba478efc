//! What the project consists of: its folder, its files, its crates.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::process;

/// The project's folder and where builds go.
pub(crate) struct Workspace {
    /// The folder with the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// The members, as cargo sees them.
    pub(crate) crates: Vec<Package>,
    target: PathBuf,
}

/// The part of `cargo metadata` that is used here.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    target_directory: PathBuf,
}

/// A crate.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    /// Where it comes from; none for our own.
    pub(crate) source: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: std::collections::BTreeMap<String, Vec<String>>,
    pub(crate) targets: Vec<Target>,
}

/// One line of a crate's dependencies.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or none for a normal one.
    pub(crate) kind: Option<String>,
    pub(crate) optional: bool,
    /// Features of it that are turned on.
    #[serde(default)]
    pub(crate) features: Vec<String>,
    /// The folder, for one of our own.
    pub(crate) path: Option<PathBuf>,
}

/// A library, program, test or benchmark of a crate.
#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

impl Workspace {
    /// Asks cargo about the workspace around the working directory, or around the task runner.
    pub(crate) fn load() -> Result<Self> {
        let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(own) => PathBuf::from(own),
            None => std::env::current_dir().context("the working directory is gone")?,
        };
        let manifest = process::output(process::cargo(&start).args([
            "locate-project",
            "--workspace",
            "--message-format",
            "plain",
        ]))?;
        let root = Path::new(manifest.trim()).parent().context("cargo named no workspace")?.to_owned();
        let metadata = metadata(&root, &root.join("Cargo.toml"), &["--no-deps"])?;
        Ok(Self { root, crates: metadata.packages, target: metadata.target_directory })
    }

    /// The member of that name.
    pub(crate) fn package(&self, name: &str) -> Result<&Package> {
        self.crates.iter().find(|package| package.name == name).with_context(|| format!("no crate is named {name}"))
    }

    /// Where builds of the workspace go.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// A program of the workspace in the build's debug folder.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Where the output of a part is kept.
    pub(crate) fn log(&self, part: &str) -> PathBuf {
        self.target.join("xtask").join(format!("{}.log", part.replace(['/', ' '], "-")))
    }

    /// Paths, relative to the root, of all files that are tracked or would be with the next commit.
    ///
    /// # Errors
    ///
    /// git is missing or the folder is not a work tree.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut git = Command::new("git");
        git.current_dir(&self.root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listing = process::output(&mut git)?;
        let mut files: Vec<PathBuf> = listing.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect();
        files.retain(|path| self.root.join(path).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// The text of a file, or none when it holds something else than UTF-8.
    pub(crate) fn text(&self, file: &Path) -> Result<Option<String>> {
        let bytes = fs::read(self.root.join(file)).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(String::from_utf8(bytes).ok())
    }

    /// A crate's manifest as TOML, with its path relative to the root.
    pub(crate) fn manifest(&self, package: &Package) -> Result<(PathBuf, toml::Table)> {
        let path = package.manifest_path.strip_prefix(&self.root).unwrap_or(&package.manifest_path);
        Ok((path.to_owned(), self.toml(path)?))
    }

    /// A TOML file of the project.
    pub(crate) fn toml(&self, file: &Path) -> Result<toml::Table> {
        let text = self.text(file)?.with_context(|| format!("{} is not UTF-8", file.display()))?;
        text.parse().with_context(|| format!("{} is not TOML", file.display()))
    }
}

/// `cargo metadata` of one manifest.
///
/// # Errors
///
/// Cargo refuses: its message is in the error.
pub(crate) fn metadata(root: &Path, manifest: &Path, arguments: &[&str]) -> Result<Metadata> {
    let mut command = process::cargo(root);
    command.args(["metadata", "--format-version", "1", "--manifest-path"]).arg(manifest).args(arguments);
    serde_json::from_str(&process::output(&mut command)?).context("cannot read what cargo metadata printed")
}
