//! The native library, and the Kotlin that is generated from it: with everything for the JVM, and without any feature for
//! Android.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{FOLDER, Toolchain, Unit, sources};
use crate::process;
use crate::workspace::Workspace;

/// A built library and the classes over it.
pub(crate) struct Binding {
    /// The native library.
    pub(crate) library: PathBuf,
    /// Generated Kotlin.
    pub(crate) generated: Vec<PathBuf>,
    /// Classes of the generated Kotlin.
    pub(crate) low: PathBuf,
    /// Classes of `dev.cardea`.
    pub(crate) high: PathBuf,
}

impl Binding {
    /// Generates Kotlin from `library` and compiles it and what lies above it.
    ///
    /// # Errors
    ///
    /// The generator's or the compiler's messages.
    pub(crate) fn make(workspace: &Workspace, toolchain: &Toolchain, library: &Path) -> Result<Self> {
        let generated = generate(workspace, library, "uniffi-jvm.toml", "generated")?;
        let low = Unit {
            name: "cardea-ffi",
            sources: generated.clone(),
            uses: toolchain.runtime(),
            friends: Vec::new(),
            // Warnings about generated code are nobody's here.
            arguments: vec!["-nowarn".to_owned()],
        }
        .compile(workspace, toolchain)?;
        let mut uses = toolchain.runtime();
        uses.push(low.clone());
        let folder = workspace.root.join(FOLDER);
        let mut ours = sources(&folder.join("src/main/kotlin"))?;
        ours.extend(sources(&folder.join("src/full/kotlin"))?);
        let high = Unit {
            name: "cardea",
            sources: ours,
            uses,
            friends: Vec::new(),
            arguments: ["-Werror", "-Xexplicit-api=strict"].map(str::to_owned).to_vec(),
        }
        .compile(workspace, toolchain)?;
        Ok(Self { library: library.to_owned(), generated, low, high })
    }

    /// Everything that a program with the binding needs on its class path.
    pub(crate) fn class_path(&self, toolchain: &Toolchain) -> Vec<PathBuf> {
        let mut paths = toolchain.runtime();
        paths.extend([self.low.clone(), self.high.clone()]);
        paths
    }
}

/// What an AAR has in its classes.
pub(crate) struct Android {
    /// Stand-ins for Android's own classes, which no package holds.
    pub(crate) stubs: PathBuf,
    /// Classes of the generated Kotlin.
    pub(crate) low: PathBuf,
    /// Classes of `dev.cardea` and of what only Android can do.
    pub(crate) high: PathBuf,
}

impl Android {
    /// Generates Kotlin from `lean`, a library without any feature, and compiles it and what lies above it for Android. It
    /// fails if the part of the layer that is for every library uses what only a larger one has.
    ///
    /// # Errors
    ///
    /// The generator's or the compiler's messages.
    pub(crate) fn make(workspace: &Workspace, toolchain: &Toolchain, lean: &Path) -> Result<Self> {
        let folder = workspace.root.join(FOLDER);
        let compile = |name, sources, uses: &[PathBuf], arguments: &[&str]| {
            let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            let unit = Unit { name, sources, uses: uses.to_vec(), friends: Vec::new(), arguments };
            unit.compile(workspace, toolchain)
        };
        let mut uses = toolchain.runtime();
        let stubs = compile("android-stubs", sources(&folder.join("src/stubs/kotlin"))?, &uses, &["-Werror"])?;
        uses.push(stubs.clone());
        let generated = generate(workspace, lean, "uniffi-android.toml", "generated-android")?;
        let low = compile("cardea-ffi-android", generated, &uses, &["-nowarn"])?;
        uses.push(low.clone());
        let mut ours = sources(&folder.join("src/main/kotlin"))?;
        ours.extend(sources(&folder.join("src/android/kotlin"))?);
        let high = compile("cardea-aar", ours, &uses, &["-Werror", "-Xexplicit-api=strict"])?;
        Ok(Self { stubs, low, high })
    }
}

/// Generates Kotlin as `config` says, into a folder of that name below `target/jvm`.
///
/// # Errors
///
/// The generator fails, or generates nothing.
pub(crate) fn generate(workspace: &Workspace, library: &Path, config: &str, folder: &str) -> Result<Vec<PathBuf>> {
    let folder = workspace.target().join("jvm").join(folder);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let mut command = Command::new(workspace.program("cardea-bindgen"));
    command
        .current_dir(&workspace.root)
        .args(["generate", "--language", "kotlin", "--no-format", "--config"])
        .arg(workspace.root.join(FOLDER).join(config))
        .arg("--out-dir")
        .arg(&folder)
        .arg(library);
    process::logged(&mut command, &workspace.log("kotlin-generate"))?;
    let generated = sources(&folder)?;
    if generated.is_empty() {
        bail!("nothing was generated from {}", library.display());
    }
    Ok(generated)
}
