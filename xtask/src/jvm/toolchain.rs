//! The compiler and the libraries, pinned by `package-lock.json` where they come from npm, and as Debian has them
//! otherwise.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::FOLDER;
use crate::process;
use crate::workspace::Workspace;

/// JNA with its native part, and the runner of the tests.
const PACKAGES: [&str; 4] = ["libjna-java", "libjna-jni", "junit4", "libhamcrest-java"];
const LOCK: &str = "package-lock.json";
/// A folder for the class path, with the native part of JNA where JNA looks for it. Debian's jar is without it and
/// expects it to be installed.
const NATIVE: &str = "jna-native";

/// Where everything is.
pub(crate) struct Toolchain {
    compiler: PathBuf,
    debian: PathBuf,
}

/// Makes the toolchain present; none and the reason if this machine cannot have it.
///
/// # Errors
///
/// npm or apt is there, was tried and failed.
pub(crate) fn provide(workspace: &Workspace) -> Result<std::result::Result<Toolchain, String>> {
    let folder = workspace.target().join("jvm");
    let debian = folder.join("debian");
    if !debian.is_dir() {
        if !has_debian() {
            return Ok(Err(format!("no apt-get and dpkg-deb here, which bring {}", PACKAGES.join(", "))));
        }
        if super::resource_folder().is_none() {
            return Ok(Err("JNA has no name for this system that is known here".to_owned()));
        }
        unpack(&folder, &debian, &workspace.log("jvm-debian"))?;
    }
    let compiler = install(workspace, &folder.join("npm"))?;
    Ok(Ok(Toolchain { compiler, debian }))
}

fn starts(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Unpacks the Debian packages without installing them. The folder appears when it is complete.
fn unpack(folder: &Path, debian: &Path, log: &Path) -> Result<()> {
    let unfinished = unpacked(folder, &PACKAGES, log)?;
    let library = super::files(&unfinished.join("usr/lib"))?
        .into_iter()
        .find(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libjnidispatch")));
    let library = library.context("libjna-jni has no libjnidispatch")?;
    let place = unfinished.join(NATIVE).join("com/sun/jna").join(super::resource_folder().context("which system?")?);
    fs::create_dir_all(&place)?;
    fs::copy(&library, place.join("libjnidispatch.so")).context("cannot copy the native part of JNA")?;
    fs::rename(&unfinished, debian).context("cannot put the unpacked libraries in place")
}

/// Unpacks Debian packages without installing them, in a folder below `folder` that is for the caller to move.
pub(crate) fn unpacked(folder: &Path, names: &[&str], log: &Path) -> Result<PathBuf> {
    let packages = folder.join("debs");
    if packages.exists() {
        fs::remove_dir_all(&packages)?;
    }
    fs::create_dir_all(&packages).with_context(|| format!("cannot create {}", packages.display()))?;
    let download = || {
        let mut command = Command::new("apt-get");
        command.current_dir(&packages).args(["-q", "download"]).args(names);
        process::logged(&mut command, log)
    };
    if download().is_err() {
        // A machine that never refreshed its lists knows no packages.
        process::logged(Command::new("apt-get").args(["-q", "update"]), log).context("cannot refresh package lists")?;
        download().with_context(|| format!("cannot download {}", names.join(", ")))?;
    }
    let unfinished = folder.join("debian.unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    for package in super::files(&packages)? {
        process::logged(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&unfinished), log)?;
    }
    Ok(unfinished)
}

/// Whether Debian packages can be unpacked here.
pub(crate) fn has_debian() -> bool {
    starts("apt-get") && starts("dpkg-deb")
}

/// Installs the compiler in `folder`, unless what is there is what the lock file says.
fn install(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let pinned = workspace.root.join(FOLDER).join("toolchain");
    let lock = fs::read(pinned.join(LOCK)).with_context(|| format!("no {LOCK} in {}", pinned.display()))?;
    let stamp = folder.join("installed");
    let compiler = folder.join("node_modules/kotlin-compiler");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(compiler);
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for name in ["package.json", LOCK] {
        fs::copy(pinned.join(name), folder.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    process::logged(&mut npm, &workspace.log("jvm-npm"))?;
    fs::write(&stamp, lock).context("cannot note which compiler is installed")?;
    Ok(compiler)
}

impl Toolchain {
    /// A library that comes with the compiler.
    fn with_compiler(&self, name: &str) -> PathBuf {
        self.compiler.join("lib").join(name)
    }

    /// A library of Debian's.
    fn with_debian(&self, name: &str) -> PathBuf {
        self.debian.join("usr/share/java").join(name)
    }

    /// What the compiler itself runs on.
    pub(super) fn compiler(&self) -> Vec<PathBuf> {
        ["kotlin-compiler", "kotlin-stdlib", "kotlin-script-runtime", "kotlin-reflect", "kotlin-daemon-client"]
            .iter()
            .map(|name| self.with_compiler(&format!("{name}.jar")))
            .chain([self.coroutines(), self.with_compiler("annotations-13.0.jar")])
            .collect()
    }

    fn coroutines(&self) -> PathBuf {
        self.with_compiler("kotlinx-coroutines-core-jvm.jar")
    }

    /// What every program with the binding needs: the standard library, coroutines, JNA.
    pub(crate) fn runtime(&self) -> Vec<PathBuf> {
        let native = self.debian.join(NATIVE);
        vec![self.with_compiler("kotlin-stdlib.jar"), self.coroutines(), self.with_debian("jna.jar"), native]
    }

    /// What tests need on top: assertions and the runner.
    pub(crate) fn testing(&self) -> Vec<PathBuf> {
        vec![self.with_compiler("kotlin-test.jar"), self.with_debian("junit4.jar"), self.with_debian("hamcrest.jar")]
    }
}
