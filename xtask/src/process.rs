//! Running other programs: output goes to a log file, and to the terminal only when something went wrong.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

mod excerpt;

/// A cargo command that behaves as if typed in `root`.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    // `cargo run` describes the task runner in these; a build script below must not see them.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    // What is built once is not built sooner for what would help the next time.
    if std::env::var_os("CI").is_some_and(|is_ci| is_ci == "true") && std::env::var_os("CARGO_INCREMENTAL").is_none() {
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

/// Runs `command` with all it prints going to `log`, and returns that text.
///
/// # Errors
///
/// The program is not there, or it ended with another exit code than 0: then the error carries what its output says of that.
pub(crate) fn logged(command: &mut Command, log: &Path) -> Result<String> {
    let (succeeded, text) = logged_any(command, log)?;
    if !succeeded {
        bail!("{} failed; {} has everything, in short:\n{}", shown(command), log.display(), excerpt::of(&text));
    }
    Ok(text)
}

/// As [`logged`], for programs whose failure is an answer: returns whether the exit code was 0, and the text.
pub(crate) fn logged_any(command: &mut Command, log: &Path) -> Result<(bool, String)> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let both = file.try_clone().context("cannot share the log file")?;
    let status = command
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(both)
        .status()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    let text = String::from_utf8_lossy(&fs::read(log)?).into_owned();
    Ok((status.success(), text))
}

/// Runs `command` with its output on the terminal.
///
/// # Errors
///
/// The program is not there, or it ended with another exit code than 0.
pub(crate) fn shown_to_the_end(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed", shown(command));
    }
    Ok(())
}

/// Runs `command` and returns what it printed on standard output.
///
/// # Errors
///
/// The program is not there, or it ended with another exit code than 0: then the error carries its standard error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        bail!("{} failed:\n{}", shown(command), excerpt::of(&String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed something else than UTF-8", shown(command)))
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
