//! The API, driven by its description: schemathesis sends what the description allows, and much that it does not, to a
//! server of its own, and holds every answer against it. The authkey may do everything, and each call succeeds at least
//! once.

mod live;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use stage::Stage;

use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// The description as it is served.
const DOCUMENT: &str = "server/src/http/docs/generated/openapi.json";
/// The call whose answer is a stream.
const EVENTS: &str = "/token/events";
/// What the paths of those have who sign in: they are called with name and password.
const SIGN_IN: &str = "/auth/v1";
/// What the paths of tokens begin with: they are called with a token.
const TOKENS: &str = "/v1/tokens";
/// What is installed, with every version.
const PINNED: &str = "xtask/schemathesis.txt";
/// Requests for each call and way of making them up: the limit in count.
const EXAMPLES: &str = "25";
/// Not among them: that a valid call succeeds. A call may be valid and not fit, which is a 400 too.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,negative_data_rejection,\
                      unsupported_method,allow_header_conformance";

/// Builds the programs, installs schemathesis below the target folder, and runs it on a server that has one of everything.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    super::build_all(workspace, "api-build")?;
    let program = installed(workspace)?;
    let text = fs::read_to_string(workspace.root.join(DOCUMENT)).with_context(|| format!("cannot read {DOCUMENT}"))?;
    let mut document: Value = serde_json::from_str(&text).with_context(|| format!("{DOCUMENT} is not JSON"))?;
    let stage = Stage::start(workspace)?;
    live::adapt(&mut document, &stage.key, &stage.objects()?)?;
    // Now: with the keys that it makes schemathesis may delete the service.
    let head = stage.begins(EVENTS)?;
    if !(head.starts_with("http/1.1 200 ") && head.contains("\ncontent-type: text/event-stream")) {
        bail!("{EVENTS} answers with something else than a stream of events:\n{head}");
    }
    let adapted = workspace.target().join("api-openapi.json");
    fs::write(&adapted, document.to_string()).with_context(|| format!("cannot write {}", adapted.display()))?;

    let paths: Vec<&String> = document["paths"].as_object().context("the description has no paths")?.keys().collect();
    // The stream of events does not end, so there is no whole answer to look at.
    let finite = paths.iter().copied().filter(|path| path.as_str() != EVENTS);
    let (signing_in, calls): (Vec<&String>, Vec<&String>) = finite.partition(|path| path.contains(SIGN_IN));
    let (tokens, calls): (Vec<&String>, Vec<&String>) = calls.into_iter().partition(|path| path.starts_with(TOKENS));
    let drive = Drive { program: &program, workspace, url: &stage.url, document: &adapted };
    let mut told = Vec::new();
    // First: made-up calls of an administrator may delete the account.
    let mut count = drive.run(&signing_in, &stage.signs_in_with(), "api-sign-in", &mut told)?;
    // Each with a session of its own, since some end it.
    for path in tokens {
        let name = format!("api{}", path.replace('/', "-"));
        count += drive.run(&[path], &format!("Bearer {}", stage.session(&name)?), &name, &mut told)?;
    }
    count += drive.run(&calls, &format!("apikey {}", stage.key), "api", &mut told)?;
    let mut refused = live::without_success(&document, &told);
    refused.retain(|operation| operation != &format!("get {EVENTS}"));
    if !refused.is_empty() {
        bail!("these never succeeded: {}", refused.join(", "));
    }
    Outcome::passed(format!("{count} calls to {} paths, each with success", paths.len()))
}

/// What schemathesis is run with.
struct Drive<'a> {
    program: &'a Path,
    workspace: &'a Workspace,
    url: &'a str,
    document: &'a Path,
}

impl Drive<'_> {
    /// Makes up calls to `paths` that carry `authorization`, adds each to `told`, and returns how many there were. Its
    /// log is called `name`.
    fn run(&self, paths: &[&String], authorization: &str, name: &str, told: &mut Vec<Value>) -> Result<u64> {
        let target = self.workspace.target();
        let calls = target.join(format!("{name}-calls.har"));
        let escaped = |path: &&String| path.replace('.', "\\.").replace('{', "\\{").replace('}', "\\}");
        let escaped: Vec<String> = paths.iter().map(escaped).collect();
        let mut command = Command::new(self.program);
        command
            .current_dir(target)
            .args(["run", "--url", self.url, "--header", &format!("Authorization: {authorization}")])
            .args(["--include-path-regex", &format!("^({})$", escaped.join("|"))])
            .args(["--checks", CHECKS, "--max-examples", EXAMPLES, "--seed", "1", "--workers", "1", "--no-color"])
            .args(["--phases", "examples,coverage,fuzzing", "--request-timeout", "20", "--warnings", "off"])
            .args(["--report", "har", "--report-har-path"])
            .arg(&calls)
            .arg(self.document);
        let text = process::logged(&mut command, &self.workspace.log(name))?;
        let Some(count) = generated(&text) else { bail!("schemathesis did not say how many calls it made") };
        let har = fs::read_to_string(&calls).with_context(|| format!("cannot read {}", calls.display()))?;
        let har: Value = serde_json::from_str(&har).context("the list of calls is not JSON")?;
        told.extend(har.pointer("/log/entries").and_then(Value::as_array).into_iter().flatten().cloned());
        Ok(count)
    }
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
