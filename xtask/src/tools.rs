//! What the checks need from the machine, and how it gets there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::process;

/// A program that some part needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tool {
    /// The program's name on the search path.
    pub(crate) program: &'static str,
    /// An argument with which it ends at once and successfully; empty where it has none, and starting it has to do. One with a
    /// whole path that has none only has to be there.
    probe: &'static str,
    /// The Debian packages that bring it.
    packages: &'static [&'static str],
    /// What it is for, for the person who has to install it.
    purpose: &'static str,
}

/// Carries what screen readers hear.
pub(crate) const AT_SPI: Tool =
    tool("/usr/libexec/at-spi-bus-launcher", &["at-spi2-core"], "the window as screen readers have it").probed_by("");
/// Builds SQLite.
pub(crate) const CC: Tool = tool("cc", &["gcc", "libc6-dev"], "building SQLite");
/// Asks for a status as relying parties' own scripts do.
pub(crate) const CURL: Tool = tool("curl", &["curl"], "the scripts of relying parties");
/// Builds the fuzzing engine.
pub(crate) const CXX: Tool = tool("c++", &["g++"], "building the fuzzing engine");
/// Carries the words between programs of a session.
pub(crate) const DBUS: Tool = tool("dbus-daemon", &["dbus-daemon"], "a keyring's bus");
/// Drives a browser.
pub(crate) const BROWSER: Tool =
    tool("chromedriver", &["chromium", "chromium-driver"], "looking at pages as people do");
/// Runs the Kotlin compiler and what it compiled.
pub(crate) const JAVA: Tool = tool("java", &["default-jdk-headless"], "the Kotlin binding and JUnit").probed_by("");
/// Brings the Kotlin compiler.
pub(crate) const NPM: Tool = tool("npm", &["npm"], "fetching the Kotlin compiler and Playwright");
/// Keeps secrets as desktops do.
pub(crate) const KEYRING: Tool = tool("gnome-keyring-daemon", &["gnome-keyring"], "the SDK's keyring store");
/// Asks for tokens before it passes requests on.
pub(crate) const NGINX: Tool = tool("nginx", &["nginx-light"], "the integration with nginx").probed_by("-v");
/// Hears as screen readers do.
pub(crate) const GDBUS: Tool =
    tool("gdbus", &["libglib2.0-bin"], "the window as screen readers have it").probed_by("help");
/// Calls PAM as programs that log people in do.
pub(crate) const PAMTESTER: Tool = tool("pamtester", &["pamtester"], "the integration with PAM").probed_by("");
/// Makes a small system with the Swift of a newer release.
pub(crate) const DEBOOTSTRAP: Tool = tool("debootstrap", &["debootstrap"], "the Swift binding");
/// Lists the files of the project.
pub(crate) const GIT: Tool = tool("git", &["git"], "listing the files of the project");
/// Keeps the data of several nodes.
pub(crate) const POSTGRES: Tool = tool("postgres", &["postgresql"], "the tests over a PostgreSQL server");
/// Runs the Python binding's tests and the ratchet's model.
pub(crate) const PYTHON: Tool = tool("python3", &["python3"], "the Python binding and the models");
/// Sees which system calls the server makes.
pub(crate) const STRACE: Tool = tool("strace", &["strace"], "the unit for systemd");
/// Knows what the server's unit allows.
pub(crate) const SYSTEMD: Tool = tool("systemd-analyze", &["systemd"], "the unit for systemd");
/// Is a terminal for a program, and tells what is on it.
pub(crate) const TMUX: Tool = tool("tmux", &["tmux"], "the emulator in a terminal").probed_by("-V");
/// Captures what travels, and shows it.
pub(crate) const TSHARK: Tool =
    tool("tshark", &["tshark"], "counting datagrams in a capture, and showing what emulated devices said");
/// Keeps what the Python package's development takes apart from the machine's own. Debian leaves half of it out of
/// `python3`: the other half tells.
pub(crate) const VENV: Tool =
    tool("python3", &["python3-venv"], "the environment of the Python package").probed_by("-cimport ensurepip");

/// A screen that nobody sees, for windows.
pub(crate) const XVFB: Tool = tool("Xvfb", &["xvfb", "libgl1-mesa-dri"], "the emulator's window").probed_by("");

/// A tool that knows `--version`, as nearly all do.
const fn tool(program: &'static str, packages: &'static [&'static str], purpose: &'static str) -> Tool {
    Tool { program, probe: "--version", packages, purpose }
}

impl Tool {
    /// The same with another argument.
    const fn probed_by(self, probe: &'static str) -> Self {
        Self { probe, ..self }
    }

    /// Where to look for the program. Debian keeps those of PostgreSQL's server off the search path.
    fn path(&self) -> PathBuf {
        let program = PathBuf::from(self.program);
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
        let found = versions.map(|version| version.path().join("bin").join(&program)).find(|path| path.exists());
        found.unwrap_or(program)
    }

    /// Whether the program is there and starts.
    pub(crate) fn is_present(&self) -> bool {
        let path = self.path();
        if self.probe.is_empty() && path.is_absolute() {
            return path.is_file();
        }
        Command::new(path)
            .arg(self.probe)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| self.probe.is_empty() || status.success())
    }

    /// Why a part that needs this tool is skipped.
    pub(crate) fn missing(&self) -> String {
        format!(
            "{} is not installed ({}); on Debian: apt-get install {}",
            self.program,
            self.purpose,
            self.packages.join(" ")
        )
    }
}

/// Makes `tools` present as far as it is ours to do: as root on a Debian with apt the missing ones are installed.
/// Returns those that were installed and those that are still missing.
///
/// # Errors
///
/// apt was tried and failed.
pub(crate) fn provide(tools: &[Tool], log: &Path) -> Result<(Vec<Tool>, Vec<Tool>)> {
    let missing: Vec<Tool> = tools.iter().copied().filter(|tool| !tool.is_present()).collect();
    if missing.is_empty() || !may_install() {
        return Ok((Vec::new(), missing));
    }
    process::logged(apt().arg("update"), log).context("cannot refresh the package lists")?;
    let mut install = apt();
    install.args(["install", "-y", "--no-install-recommends"]);
    for tool in &missing {
        install.args(tool.packages);
    }
    process::logged(&mut install, log).context("cannot install what the checks need")?;
    Ok(missing.into_iter().partition(Tool::is_present))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("-q");
    command
}

fn may_install() -> bool {
    let root = process::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    root && Path::new("/etc/debian_version").exists()
}
