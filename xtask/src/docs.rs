//! `cargo xtask docs`: what is made from the API's description, `docs/api/openapi.yaml`, and what the emulator says about
//! itself.
//!
//! The server embeds the results of the former, so they are committed, and `lint/api` fails when they are not what the
//! description gives. The same description gives the same bytes everywhere. `emulator-docs` fails when the latter is stale.

mod check;
pub(crate) mod emulator;
mod insomnia;
mod markdown;
mod node;
mod pdf;
mod reference;
mod schema;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::lint::Findings;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

use node::Node;

/// The description.
const SOURCE: &str = "docs/api/openapi.yaml";
/// Where the server embeds the results from.
const FOLDER: &str = "server/src/http/docs/generated";

/// Writes everything anew.
pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    report.part("docs", || {
        let folder = workspace.root.join(FOLDER);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {FOLDER}"))?;
        let files = generate(&workspace.root)?;
        for (name, bytes) in &files {
            fs::write(folder.join(name), bytes).with_context(|| format!("cannot write {FOLDER}/{name}"))?;
        }
        let sizes: Vec<String> =
            files.iter().map(|(name, bytes)| format!("{name} {} KiB", bytes.len() / 1024)).collect();
        Outcome::passed(sizes.join(", "))
    });
    report.part("emulator", || Outcome::passed(emulator::write(&workspace)?.join(", ")));
    Ok(report.finish())
}

/// The description is sound, and what is committed was made from it.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::of("files and calls");
    check::document(&load(&workspace.root)?, &mut findings);
    for (name, bytes) in generate(&workspace.root)? {
        findings.saw();
        if fs::read(workspace.root.join(FOLDER).join(name)).ok().as_deref() != Some(&bytes[..]) {
            findings.wrong(format!("{FOLDER}/{name} is not what {SOURCE} gives: run cargo xtask docs and commit"));
        }
    }
    Ok(findings)
}

fn load(root: &Path) -> Result<Node> {
    let text = fs::read_to_string(root.join(SOURCE)).with_context(|| format!("cannot read {SOURCE}"))?;
    Node::from_yaml(&text).with_context(|| format!("cannot use {SOURCE}"))
}

fn generate(root: &Path) -> Result<[(&'static str, Vec<u8>); 3]> {
    let document = load(root)?;
    Ok([
        ("openapi.json", document.to_json().into_bytes()),
        ("insomnia.json", insomnia::workspace(&document)?.to_json().into_bytes()),
        ("reference.pdf", reference::write(&document)?),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "
openapi: 3.0.3
info: {title: Small, version: '0', description: 'See `this`.'}
tags: [{name: Door, description: The door.}]
paths:
  /door:
    get:
      operationId: door
      tags: [Door]
      summary: Open?
      description: Asks.
      parameters:
        - {name: id, in: query, required: true, description: Who., schema: {type: string}, example: joe}
      responses:
        '200': {description: Yes., content: {application/json: {schema: {$ref: '#/components/schemas/Answer'}, example: {open: true}}}}
components:
  schemas:
    Answer: {type: object, required: [open], properties: {open: {type: boolean}}}
";

    fn small() -> Node {
        Node::from_yaml(SMALL).unwrap()
    }

    #[test]
    fn the_same_description_gives_the_same_bytes_and_another_one_others() {
        assert_eq!(reference::write(&small()).unwrap(), reference::write(&small()).unwrap());
        let other = Node::from_yaml(&SMALL.replace("Asks.", "Demands.")).unwrap();
        assert_ne!(reference::write(&small()).unwrap(), reference::write(&other).unwrap());
    }

    #[test]
    fn json_keeps_the_order_of_the_description() {
        let json = small().to_json();
        let at = |word: &str| json.find(word).unwrap();
        assert!(at("\"openapi\"") < at("\"info\"") && at("\"info\"") < at("\"paths\""));
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    }

    #[test]
    fn a_workspace_has_a_request_for_each_call_in_the_folder_of_its_tag() {
        let workspace: serde_json::Value =
            serde_json::from_str(&insomnia::workspace(&small()).unwrap().to_json()).unwrap();
        let resources = workspace["resources"].as_array().unwrap();
        let request = resources.iter().find(|resource| resource["_type"] == "request").unwrap();
        assert_eq!(request["url"], "{{ _.base_url }}/door");
        assert!(resources.iter().any(|folder| folder["_id"] == request["parentId"] && folder["name"] == "Door"));
    }

    #[test]
    fn a_sound_description_has_no_findings_and_a_broken_one_has() {
        let wrong = |text: &str| {
            let mut findings = Findings::of("calls");
            check::document(&Node::from_yaml(text).unwrap(), &mut findings);
            findings.all_wrong().len()
        };
        assert_eq!(wrong(SMALL), 0);
        assert_ne!(wrong(&SMALL.replace("schemas/Answer'", "schemas/Reply'")), 0);
        assert_ne!(wrong(&SMALL.replace("{open: true}", "{open: maybe}")), 0);
        assert_ne!(wrong(&SMALL.replace("operationId: door", "operationId: ''")), 0);
        assert_ne!(wrong(&SMALL.replace("description: Who., ", "")), 0);
    }
}
