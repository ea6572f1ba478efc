//! The API, driven by its description: schemathesis sends what the description allows, and much that it does not, to a
//! server of its own, and holds every answer against it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// The description as it is served.
const DOCUMENT: &str = "server/src/http/docs/generated/openapi.json";
/// What is installed, with every version.
const PINNED: &str = "xtask/schemathesis.txt";
/// Requests for each call and way of making them up: the limit in count.
const EXAMPLES: &str = "25";
/// Not among them: that a valid call succeeds. A call may be valid and not fit, which is a 400 too.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,negative_data_rejection,\
                      unsupported_method,allow_header_conformance";

/// Builds the server, installs schemathesis below the target folder, and runs it.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut build = process::cargo(&workspace.root);
    build.args(["build", "--quiet", "--locked", "-p", "cardea-server"]);
    process::logged(&mut build, &workspace.log("api-build"))?;
    let program = installed(workspace)?;
    let server = Server::start(workspace)?;
    let text = fs::read_to_string(workspace.root.join(DOCUMENT)).with_context(|| format!("cannot read {DOCUMENT}"))?;
    let document: Value = serde_json::from_str(&text).with_context(|| format!("{DOCUMENT} is not JSON"))?;
    let paths = document["paths"].as_object().context("the description has no paths")?;
    // The stream of events does not end, so there is no whole answer to look at.
    let is_finite = |path: &&String| !path.ends_with("/events");
    let mut chosen = Vec::new();
    for path in paths.keys().filter(is_finite) {
        // That everything described is served is for the server's own tests, which can say what is missing.
        if !asked(&format!("{}{path}", server.url))?.contains("unknown-path") {
            chosen.push(path.replace('.', "\\."));
        }
    }

    let mut command = Command::new(program);
    command
        .current_dir(workspace.target())
        .args(["run", "--url", &server.url, "--header", &format!("Authorization: apikey {}", server.key)])
        .args(["--include-path-regex", &format!("^({})$", chosen.join("|"))])
        .args(["--checks", CHECKS, "--max-examples", EXAMPLES, "--seed", "1", "--workers", "1", "--no-color"])
        .args(["--phases", "examples,coverage,fuzzing", "--request-timeout", "20", "--warnings", "off"])
        .arg(workspace.root.join(DOCUMENT));
    let text = process::logged(&mut command, &workspace.log("api"))?;
    let Some(count) = generated(&text) else { bail!("schemathesis did not say how many calls it made") };
    Outcome::passed(format!("{count} calls to {} of {} paths", chosen.len(), paths.len()))
}

fn asked(url: &str) -> Result<String> {
    process::output(Command::new("curl").args(["--silent", "--max-time", "20", url]))
}

/// The program, installed anew when the pinned versions have changed.
fn installed(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target().join("schemathesis");
    let pinned = fs::read_to_string(workspace.root.join(PINNED)).with_context(|| format!("cannot read {PINNED}"))?;
    let (program, mark) = (folder.join("bin/schemathesis"), folder.join("installed.txt"));
    if program.is_file() && fs::read_to_string(&mark).is_ok_and(|installed| installed == pinned) {
        return Ok(program);
    }
    let log = workspace.log("api-install");
    let mut create = Command::new("python3");
    process::logged(create.args(["-m", "venv", "--clear"]).arg(&folder), &log)
        .context("cannot make a virtual environment; on Debian: apt-get install python3-venv")?;
    let mut install = Command::new(folder.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    process::logged(install.arg(workspace.root.join(PINNED)), &log)?;
    fs::write(&mark, pinned).with_context(|| format!("cannot write {}", mark.display()))?;
    Ok(program)
}

/// `cardea-server dev` on free ports. Dropping it ends it.
struct Server {
    child: Child,
    url: String,
    key: String,
}

impl Server {
    fn start(workspace: &Workspace) -> Result<Self> {
        let log = workspace.log("api-server");
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)?;
        }
        let log = fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = Command::new(workspace.program("cardea-server"))
            .args(["dev", "--json", "--http", "127.0.0.1:0", "--channel", "127.0.0.1:0"])
            .current_dir(Path::new(workspace.target()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start cardea-server")?;
        let mut line = String::new();
        let out = child.stdout.take().context("its output is a pipe")?;
        let read = BufReader::new(out).read_line(&mut line);
        let mut server = Self { child, url: String::new(), key: String::new() };
        read.context("the server says nothing")?;
        let ready: Value = serde_json::from_str(&line).context("the server did not say where it listens")?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("the server did not say all");
        server.url = text(&ready["http"])?;
        server.key = text(&ready["dev"]["adminKey"])?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn generated(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains(" generated, "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_many_calls_were_made() {
        assert_eq!(generated("Test cases:\n  248 generated, 248 passed\n"), Some(248));
        assert_eq!(generated("No operations"), None);
    }
}
