//! The AAR: where the Android toolchain is, Gradle assembles it from libraries that cargo-ndk builds. Everything in it but
//! the libraries is made and looked at anywhere.

mod contents;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::{archive, pom, put};
use crate::jvm::{self, Android, FOLDER, files, generate};
use crate::report::Outcome;
use crate::workspace::Workspace;
use crate::{alignment, bindings, library, process};

/// Rust's and Android's names of what an AAR has libraries for.
const TARGETS: [(&str, &str); 3] = [
    ("aarch64-linux-android", "arm64-v8a"),
    ("armv7-linux-androideabi", "armeabi-v7a"),
    ("x86_64-linux-android", "x86_64"),
];
/// The oldest Android that it is for.
const API_LEVEL: &str = "24";

/// What is on this machine.
struct Machine {
    sdk: Option<PathBuf>,
    ndk: Option<PathBuf>,
    cargo_ndk: bool,
    gradle: bool,
    /// Of [`TARGETS`], those that Rust has a standard library for.
    targets: Vec<&'static str>,
}

impl Machine {
    fn look() -> Self {
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_dir());
        let sdk = folder("ANDROID_HOME").or_else(|| folder("ANDROID_SDK_ROOT"));
        let inside = sdk.as_ref().map(|sdk| sdk.join("ndk")).filter(|ndk| ndk.is_dir());
        let sysroot = process::output(Command::new("rustc").args(["--print", "sysroot"])).unwrap_or_default();
        let libraries = Path::new(sysroot.trim()).join("lib/rustlib");
        Self {
            ndk: folder("ANDROID_NDK_HOME").or(inside),
            sdk,
            cargo_ndk: starts("cargo-ndk", &["--version"]),
            gradle: starts("gradle", &["--version"]),
            targets: TARGETS.map(|(target, _)| target).into_iter().filter(|it| libraries.join(it).is_dir()).collect(),
        }
    }

    /// What has to be installed before an AAR can be made.
    fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if self.sdk.is_none() {
            missing.push("the Android SDK (ANDROID_HOME)".to_owned());
        }
        if self.ndk.is_none() {
            missing.push("the Android NDK r28 or newer (ANDROID_NDK_HOME)".to_owned());
        }
        if !self.cargo_ndk {
            missing.push("cargo-ndk (cargo install --locked cargo-ndk)".to_owned());
        }
        if !self.gradle {
            missing.push("Gradle 8.9 or newer".to_owned());
        }
        for (target, _) in TARGETS {
            if !self.targets.contains(&target) {
                missing.push(format!("Rust for {target} (rustup target add {target})"));
            }
        }
        missing
    }
}

fn starts(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Lays out what an AAR holds beside its libraries, and looks at what came about. The classes are those of an AAR; they were
/// compiled against stand-ins for Android's own.
pub(super) fn layout(workspace: &Workspace) -> Result<Outcome> {
    let toolchain = match jvm::provide(workspace)? {
        Ok(toolchain) => toolchain,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let android = Android::make(workspace, &toolchain, &bindings::lean(workspace)?)?;
    let version = &workspace.package("cardea-ffi")?.version;
    let folder = workspace.target().join("package/aar");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let inside = folder.join("inside");
    fs::create_dir_all(&inside).with_context(|| format!("cannot create {}", inside.display()))?;
    let source = workspace.root.join(FOLDER).join("src/android");
    let manifest = fs::read_to_string(source.join("AndroidManifest.xml"))?;
    fs::write(inside.join("AndroidManifest.xml"), contents::manifest(&manifest, API_LEVEL)?)?;
    fs::copy(source.join("consumer-rules.pro"), inside.join("proguard.txt"))?;
    fs::write(inside.join("R.txt"), "")?;
    let licenses = folder.join("licenses");
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        put(&workspace.root.join(license), &licenses.join("META-INF"))?;
    }
    archive(workspace, &inside.join("classes.jar"), &[], &[&android.low, &android.high, &licenses])?;
    let aar = folder.join(format!("cardea-android-{version}-without-libraries.aar"));
    archive(workspace, &aar, &["--no-manifest"], &[&inside])?;
    fs::write(folder.join(format!("cardea-android-{version}.pom")), pom::of(&pom::AAR, version))?;
    let wrong = contents::wrong(&fs::read(&aar)?)?;
    if !wrong.is_empty() {
        bail!("{}: {}", aar.display(), wrong.join("; "));
    }
    Outcome::passed(format!("{}, {} bytes", aar.display(), fs::metadata(&aar)?.len()))
}

/// Makes the AAR and checks its libraries, or says what is missing.
pub(super) fn make(workspace: &Workspace) -> Result<Outcome> {
    let missing = Machine::look().missing();
    if !missing.is_empty() {
        return Ok(Outcome::Skipped(format!("this machine lacks {}", missing.join(", "))));
    }
    let libraries = workspace.target().join("jvm/jniLibs");
    let mut build = process::cargo(&workspace.root);
    build.arg("ndk");
    for (_, name) in TARGETS {
        build.args(["-t", name]);
    }
    build.args(["--platform", API_LEVEL, "-o"]).arg(&libraries);
    // What a token app needs over TCP and UDP and no more: apps count kilobytes.
    let log = workspace.log("package-aar-build");
    library::provide_source(workspace, &log)?;
    // The generator reads what phones do not get.
    let lean = bindings::lean(workspace)?;
    generate(workspace, &lean, "uniffi-android.toml", "generated-android")?;
    let hidden = library::hide_metadata(workspace, &lean, &log)?;
    build.arg("rustc").args(library::phone_arguments(&workspace.root)).arg("--").args(library::linked(&hidden));
    process::logged(build.env(library::BOOTSTRAP.0, library::BOOTSTRAP.1), &log)?;
    let mut gradle = Command::new("gradle");
    gradle.current_dir(workspace.root.join(FOLDER)).args(["--no-daemon", ":cardea-android:assembleRelease"]);
    process::logged(&mut gradle, &workspace.log("package-aar-gradle"))?;
    let outputs = workspace.root.join(FOLDER).join("android/build/outputs/aar");
    let aar = files(&outputs)?.into_iter().find(|file| file.extension().is_some_and(|extension| extension == "aar"));
    let Some(aar) = aar else { bail!("Gradle left no AAR in {}", outputs.display()) };
    alignment::check(&aar)?.verdict()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_how_to_get_it() {
        let nothing = Machine { sdk: None, ndk: None, cargo_ndk: false, gradle: false, targets: vec![] };
        let missing = nothing.missing();
        assert_eq!(missing.len(), 4 + TARGETS.len());
        for word in
            ["ANDROID_HOME", "ANDROID_NDK_HOME", "cargo install", "Gradle", "rustup target add x86_64-linux-android"]
        {
            assert!(missing.iter().any(|text| text.contains(word)), "{word}");
        }
        let all = TARGETS.map(|(target, _)| target).to_vec();
        let folder = Some(PathBuf::from("somewhere"));
        let everything = Machine { sdk: folder.clone(), ndk: folder, cargo_ndk: true, gradle: true, targets: all };
        assert!(everything.missing().is_empty());
    }
}
