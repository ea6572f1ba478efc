//! The steps for pipelines, read and run as GitHub and GitLab do.

use std::fs;
use std::path::Path;
use std::process::Command;

use cardea_tests::harness::{Site, output};
use yaml_rust2::{Yaml, YamlLoader};

use super::page::{self, project};

const USER: &str = "release manager é";

fn yaml(text: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(text).expect("it is YAML");
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

/// The YAML on the page that has this in it.
fn page(piece: &str) -> Yaml {
    let page = page::text("docs/integrations.md");
    let mut blocks = page::blocks(&page).filter(|(language, block)| *language == "yaml" && block.contains(piece));
    yaml(blocks.next().expect("the page shows it").1)
}

fn text(node: &Yaml) -> String {
    node.as_str().map(str::to_owned).or_else(|| node.as_i64().map(|number| number.to_string())).expect("a text")
}

fn members(node: &Yaml) -> Vec<(String, &Yaml)> {
    node.as_hash().into_iter().flatten().map(|(name, value)| (text(name), value)).collect()
}

fn names(node: &Yaml) -> Vec<String> {
    members(node).into_iter().map(|(name, _)| name).collect()
}

/// What the users of either have to say.
fn said(site: &Site) -> [(&'static str, String); 4] {
    let url = format!("http://{}", site.http());
    [("url", url), ("service", site.service.clone()), ("id", USER.to_owned()), ("authkey", site.status_key.clone())]
}

/// Closed, open, gone: the codes of a step in each, which `run` runs.
fn codes(run: impl Fn(&Site) -> Option<i32>) -> [Option<i32>; 3] {
    let mut site = Site::dev();
    let device = site.enrolled(USER);
    let closed = run(&site);
    device.open(Site::PIN).ended(0);
    let open = run(&site);
    site.kill();
    [closed, open, run(&site)]
}

#[test]
fn the_github_action_runs_with_the_inputs_that_the_page_gives_it() {
    let action = yaml(&page::text("integrations/ci/github/action.yml"));
    assert_eq!(text(&action["runs"]["using"]), "composite");
    let inputs = &action["inputs"];
    let given = &page("uses: ./integrations/ci/github")[0]["with"];
    for name in names(given) {
        assert!(names(inputs).contains(&name), "{name} is no input");
    }
    for (name, input) in members(inputs) {
        let is_required = input["required"].as_bool().unwrap_or(false);
        assert!(is_required == input["default"].is_badvalue(), "{name} has a default or is required");
        assert!(!is_required || names(given).contains(&name), "the page does not give {name}");
        assert!(!input["description"].is_badvalue(), "{name}");
    }
    let steps = action["runs"]["steps"].as_vec().expect("steps");
    assert_eq!(steps.len(), 1);
    let step = &steps[0];
    assert_eq!(text(&step["shell"]), "sh", "how it is run below");
    let script = text(&step["run"]);
    assert!(!script.contains("${{"), "what others say must not become part of a script");

    let codes = codes(|site| {
        let said = said(site);
        let input = |name: &str| {
            let said = said.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
            said.unwrap_or_else(|| text(&inputs[name]["default"]))
        };
        let saved = site.folder().join("step.sh");
        fs::write(&saved, &script).expect("a file can be written");
        let mut command = Command::new("sh");
        command.arg("-e").arg(saved).env("GITHUB_ACTION_PATH", project("integrations/ci/github"));
        for (name, value) in members(&step["env"]) {
            let value = text(value);
            let of = value.strip_prefix("${{ inputs.").and_then(|rest| rest.strip_suffix(" }}")).expect("an input");
            command.env(name, input(of));
        }
        output(&mut command).code
    });
    assert_eq!(codes, [Some(1), Some(0), Some(1)]);
}

#[test]
fn the_gitlab_job_runs_with_the_variables_that_the_page_gives_it() {
    let template = yaml(&page::text("integrations/ci/gitlab/cardea.yml"));
    assert_eq!(names(&template), [".cardea-token"]);
    let template = &template[".cardea-token"];
    let page = page("extends: .cardea-token");
    let included = text(&page["include"][0]["local"]);
    assert!(Path::new(&included).extension().is_some_and(|end| end == "yml"), "GitLab includes nothing else");
    let job = &page["approve"];
    assert_eq!(text(&job["extends"]), ".cardea-token");
    assert!(job["script"].is_badvalue(), "it would replace the template's");
    let lines: Vec<String> = template["script"].as_vec().expect("lines").iter().map(text).collect();
    let variables = members(&template["variables"]).into_iter().chain(members(&job["variables"]));
    let variables: Vec<(String, String)> = variables.map(|(name, value)| (name, text(value))).collect();
    let keys: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(keys, ["GIT_STRATEGY", "CARDEA_URL", "CARDEA_SERVICE", "CARDEA_ID", "CARDEA_WAIT"]);

    for shell in [&["sh", "-ec"][..], &["bash", "-eo", "pipefail", "-c"]] {
        let codes = codes(|site| {
            let mut command = Command::new(shell[0]);
            command.args(&shell[1..]).arg(lines.join("\n")).current_dir(site.folder());
            command.envs(variables.iter().map(|(name, value)| (name, value)));
            for (name, value) in said(site) {
                command.env(format!("CARDEA_{}", name.to_uppercase()), value);
            }
            output(command.env("CARDEA_WAIT", "0")).code
        });
        assert_eq!(codes, [Some(1), Some(0), Some(1)], "{shell:?}");
    }
    let before = job["before_script"].as_vec().expect("lines").iter().map(text).collect::<Vec<_>>().join("\n");
    let without = output(Command::new("sh").args(["-ec", &before]));
    assert_eq!(without.code, Some(0), "where there is a curl it does nothing: {without:?}");
}
