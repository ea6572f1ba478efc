//! The JVM jar and the Android AAR.

mod aar;
mod pom;
mod reference;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::bindings;
use crate::jvm::{self, Binding, FOLDER, Toolchain, Unit, class_path, files, sources};
use crate::library;
use crate::process;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// All files in jars are of that time, so that the same content makes the same jar.
const DATE: &str = "2026-01-01T00:00:00Z";
/// What the program that tries the jar prints when all is well.
const WORKS: &str = "works";

/// Makes and tries both, a line for each.
pub(super) fn run(workspace: &Workspace, report: &mut Report) {
    report.part("kotlin jar", || jar(workspace));
    report.part("kotlin aar layout", || aar::layout(workspace));
    report.part("kotlin aar", || aar::make(workspace));
}

/// Where the packages go, laid out as a Maven repository.
fn repository(workspace: &Workspace) -> PathBuf {
    workspace.target().join("package/kotlin")
}

/// Builds the library as it ships, without metadata for the generator (`stripped`), and with it.
fn library(workspace: &Workspace) -> Result<(PathBuf, PathBuf)> {
    let built = library::build(workspace, "all", &workspace.log("package-kotlin-build"))?;
    let mut generator = process::cargo(&workspace.root);
    generator.args(["build", "--quiet", "--locked", "-p", "cardea-bindgen"]);
    process::logged(&mut generator, &workspace.log("package-kotlin-bindgen"))?;
    let stripped = workspace.target().join("package/stripped").join(bindings::library_name());
    fs::create_dir_all(stripped.parent().context("a folder")?)?;
    library::strip(&built, &stripped, &workspace.log("package-kotlin-strip"))?;
    Ok((built, stripped))
}

fn jar(workspace: &Workspace) -> Result<Outcome> {
    let toolchain = match jvm::provide(workspace)? {
        Ok(toolchain) => toolchain,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let Some(resources) = jvm::resource_folder() else {
        return Ok(Outcome::Skipped("JNA has no name for this system that is known here".to_owned()));
    };
    let (built, stripped) = library(workspace)?;
    let binding = Binding::make(workspace, &toolchain, &built)?;

    let version = &workspace.package("cardea-ffi")?.version;
    let folder = repository(workspace).join("dev/cardea/cardea").join(version);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let jar = folder.join(format!("cardea-{version}.jar"));
    let extra = workspace.target().join("package/jar");
    if extra.exists() {
        fs::remove_dir_all(&extra)?;
    }
    put(&stripped, &extra.join(resources))?;
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        put(&workspace.root.join(license), &extra.join("META-INF"))?;
    }
    archive(workspace, &jar, &[], &[&binding.low, &binding.high, &extra])?;

    let texts = workspace.target().join("package/sources");
    if texts.exists() {
        fs::remove_dir_all(&texts)?;
    }
    for (root, all) in [
        (workspace.root.join(FOLDER).join("src/main/kotlin"), None),
        (workspace.root.join(FOLDER).join("src/full/kotlin"), None),
        (workspace.target().join("jvm/generated"), Some(&binding.generated)),
    ] {
        let all = all.map_or_else(|| sources(&root), |all| Ok(all.clone()))?;
        for file in all {
            let inner = file.strip_prefix(&root).context("a source outside its folder")?;
            put(&file, &texts.join(inner.parent().unwrap_or(Path::new(""))))?;
        }
    }
    archive(workspace, &folder.join(format!("cardea-{version}-sources.jar")), &[], &[&texts])?;
    let reference = workspace.target().join("package/reference");
    fs::create_dir_all(&reference)?;
    let mut documented = sources(&workspace.root.join(FOLDER).join("src/main/kotlin"))?;
    documented.extend(sources(&workspace.root.join(FOLDER).join("src/full/kotlin"))?);
    reference::write(&documented, &reference.join("index.html"))?;
    archive(workspace, &folder.join(format!("cardea-{version}-javadoc.jar")), &[], &[&reference])?;
    fs::write(folder.join(format!("cardea-{version}.pom")), pom::of(&pom::JAR, version))?;

    try_it(workspace, &toolchain, &binding, &jar)?;
    Outcome::passed(format!("{}, {} bytes", jar.display(), fs::metadata(&jar)?.len()))
}

fn put(file: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let name = file.file_name().context("a file without a name")?;
    fs::copy(file, folder.join(name)).with_context(|| format!("cannot copy {}", file.display()))?;
    Ok(())
}

/// Makes a jar of everything in `folders`, in the order of the names.
fn archive(workspace: &Workspace, jar: &Path, options: &[&str], folders: &[&Path]) -> Result<()> {
    let mut command = Command::new("jar");
    command.arg("--create").args(options).arg(format!("--date={DATE}")).arg("--file").arg(jar);
    for folder in folders {
        for file in files(folder)? {
            command.arg("-C").arg(folder).arg(file.strip_prefix(folder).context("a file outside its folder")?);
        }
    }
    process::logged(&mut command, &workspace.log("package-kotlin-jar")).map(drop)
}

/// Runs a program on a JVM that has nothing of this build but the jar.
fn try_it(workspace: &Workspace, toolchain: &Toolchain, binding: &Binding, jar: &Path) -> Result<()> {
    let program = Unit {
        name: "kotlin-try",
        sources: sources(&workspace.root.join(FOLDER).join("src/try/kotlin"))?,
        uses: binding.class_path(toolchain),
        friends: Vec::new(),
        arguments: Vec::new(),
    }
    .compile(workspace, toolchain)?;
    let mut classes = toolchain.runtime();
    classes.extend([jar.to_owned(), program]);
    let mut command = Command::new("java");
    command
        .current_dir(workspace.target().join("package"))
        .arg("-cp")
        .arg(class_path(&classes)?)
        // Where cargo looks, a library would be found before the one in the jar.
        .env_remove("LD_LIBRARY_PATH")
        .arg("TryKt")
        .arg(&workspace.package("cardea-ffi")?.version);
    let said = process::logged(&mut command, &workspace.log("package-kotlin-try"))?;
    if said.lines().last() != Some(WORKS) {
        bail!("the program with the jar said: {said}");
    }
    Ok(())
}
