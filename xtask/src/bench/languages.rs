//! Calls and cycles from every language, over the library as it ships.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::bindings::{self, swift};
use crate::jvm::{self, Binding, FOLDER, Unit, class_path, sources};
use crate::library;
use crate::process;
use crate::report::{Outcome, Report};
use crate::swift::{PLACE, System};
use crate::test::python;
use crate::workspace::Workspace;

/// The Swift package, as a folder of the project.
const SWIFT: &str = "ffi/bindings/swift";

/// Makes the program of a language: its command line, or why that cannot be made here.
type Make = fn(&Workspace) -> Result<std::result::Result<Vec<OsString>, String>>;

/// Builds everything and measures one language after the other.
pub(super) fn measure(workspace: &Workspace, report: &mut Report, cycles: u32) {
    report.part("languages", || {
        let mut build = process::cargo(&workspace.root);
        build.args(["build", "--quiet", "--release", "-p", "cardea-tests", "--bin", "app", "--bin", "load"]);
        process::logged(&mut build, &workspace.log("languages-build"))?;
        let mut generator = process::cargo(&workspace.root);
        generator.args(["build", "--quiet", "--locked", "-p", "cardea-bindgen"]);
        process::logged(&mut generator, &workspace.log("languages-bindgen"))?;
        Outcome::passed("built")
    });
    let all: [(&str, Make); 4] =
        [("rust", |_| Ok(Ok(Vec::new()))), ("python", of_python), ("kotlin", of_kotlin), ("swift", of_swift)];
    for (name, make) in all {
        report.printing_part(name, || {
            let command = match make(workspace)? {
                Ok(command) => command,
                Err(why) => return Ok(Outcome::Skipped(why)),
            };
            let mut load = Command::new(workspace.target().join("release/load"));
            load.args(["language", "--cycles", &cycles.to_string(), "--"]).args(command);
            process::shown_to_the_end(&mut load)?;
            Outcome::passed(name)
        });
    }
}

/// The library as it ships, with everything in it, in a folder that has nothing else.
fn shipped(workspace: &Workspace) -> Result<PathBuf> {
    let built = library::build(workspace, "all", &workspace.log("languages-library"))?;
    let kept = workspace.target().join("bench").join(bindings::library_name());
    swift::copy(&built, &kept)?;
    Ok(kept)
}

fn of_python(workspace: &Workspace) -> Result<std::result::Result<Vec<OsString>, String>> {
    let site = workspace.target().join("bench/python");
    python::assemble(workspace, &shipped(workspace)?, &site)?;
    let program = workspace.root.join(crate::package::python::SOURCE).join("measure.py");
    let mut path = OsString::from("PYTHONPATH=");
    path.push(site);
    Ok(Ok(vec!["env".into(), path, "python3".into(), "-B".into(), program.into()]))
}

fn of_kotlin(workspace: &Workspace) -> Result<std::result::Result<Vec<OsString>, String>> {
    let toolchain = match jvm::provide(workspace)? {
        Ok(toolchain) => toolchain,
        Err(why) => return Ok(Err(why)),
    };
    let library = shipped(workspace)?;
    let binding = Binding::make(workspace, &toolchain, &library)?;
    let mut classes = binding.class_path(&toolchain);
    let sources = sources(&workspace.root.join(FOLDER).join("src/measure/kotlin"))?;
    let uses = classes.clone();
    classes.push(
        Unit { name: "kotlin-measure", sources, uses, friends: Vec::new(), arguments: Vec::new() }
            .compile(workspace, &toolchain)?,
    );
    let mut place = OsString::from("-Djna.library.path=");
    place.push(library.parent().context("the library is nowhere")?);
    // A heap that is there from the beginning and never grows: what grows is outside of it, or does not fit any more.
    let heap = ["-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC"].map(OsString::from);
    let mut command = vec![OsString::from("java")];
    command.extend(heap);
    command.extend([place, "-cp".into(), class_path(&classes)?, "MeasureKt".into()]);
    Ok(Ok(command))
}

fn of_swift(workspace: &Workspace) -> Result<std::result::Result<Vec<OsString>, String>> {
    let system = match System::provide(workspace)? {
        Ok(system) => system,
        Err(why) => return Ok(Err(why)),
    };
    let library = shipped(workspace)?;
    let package = system.put(&workspace.root.join(SWIFT), "measured/swift")?;
    swift::generate(workspace, &library, &workspace.target().join("swift/generated"), &package.join("Sources"))?;
    swift::copy(&library, &system.place().join("measured/lib").join(bindings::library_name()))?;
    let (folder, libraries) = (format!("/{PLACE}/measured/swift/Measure"), format!("/{PLACE}/measured/lib"));
    let linked = format!("-L{libraries}");
    let build =
        ["swift", "build", "-c", "release", "--disable-sandbox", "--package-path", &folder, "-Xlinker", &linked];
    process::logged(&mut system.command(&[], &build), &workspace.log("languages-swift"))?;
    let program = format!("{folder}/.build/release/Measure");
    let command = system.command(&[("LD_LIBRARY_PATH", &libraries)], &[&program]);
    Ok(Ok(std::iter::once(command.get_program()).chain(command.get_args()).map(OsString::from).collect()))
}
