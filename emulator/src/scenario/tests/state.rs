//! Snapshots, copies, and files that include others.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_made_what_it_was_goes_on_only_if_nobody_has_used_it_since() {
    let start = "steps: [{enroll: alice}, {enroll: bob}, {snap: {save: a}}, ";
    let unused = "{net: {device: alice, set: offline}}, {snap: {load: a}}, {open: alice}]";
    let used = "{open: alice}, {snap: {load: a}}, {open: alice, expect: {error: blocked, server: {alice: blocked}}}]";
    for rest in [unused, used] {
        assert_eq!(run(scenario(&format!("{start}{rest}"))).await.failure, None, "{rest}");
    }
    let never = failure("steps: [{enroll: alice}, {snap: {load: b}}]").await;
    assert!(never.contains("line 5") && never.contains("`snap`"), "{never}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_a_device_of_its_own_from_the_step_that_makes_it() {
    let copied = "steps: [{enroll: alice}, {clone: {device: alice, as: eve}}, {open: eve}, \
                  {open: alice, expect: {error: blocked}}, {reset: eve}, {open: eve, expect: {error: nothing-there}}]";
    assert_eq!(run(scenario(copied)).await.failure, None);
    // Who looks away does so on the copy, too, and nobody waits for a minute.
    let habit = "steps: [{enroll: alice}, {presence: {device: alice, usual: ignore}}, {clone: {device: alice, as: eve}}, \
                 {open: eve, expect: {error: cancelled}}]";
    assert_eq!(run(scenario(habit)).await.failure, None);
    for (rest, expected) in [
        ("steps: [{open: eve}, {clone: {device: alice, as: eve}}]", "there is no device `eve`"),
        ("steps: [{clone: {device: alice, as: bob}}]", "there is a device `bob` already"),
        ("steps: [{clone: {device: alice}}]", "the field `as` is missing"),
        ("steps: [{snap: {}}]", "say what to `save`, or what to `load`"),
        ("steps: [{snap: {save: a, load: a}}]", "say what to `save`, or what to `load`"),
        ("steps: [{snap: {saev: a}}]", "did you mean `save`?"),
        ("steps: [{reset: carol}]", "there is no device `carol`"),
        ("steps: [{include: x.yaml}]", "only a scenario in a file can include another one"),
    ] {
        let slip = slip(rest);
        assert!(slip.contains(expected), "{rest}: {slip}");
    }
}

#[test]
fn a_snapshot_that_is_of_no_use_is_found() {
    let found = |rest: &str| -> Vec<String> { lint::look(&scenario(rest)).into_iter().map(|it| it.message).collect() };
    let both = "{open: alice}, {open: bob, expect: {server: {bob: open}}}";
    for (rest, expected) in [
        (format!("steps: [{both}, {{snap: {{save: a}}}}]"), "no step loads this snapshot"),
        (format!("steps: [{both}, {{snap: {{load: a}}}}]"), "no step before this saves such a snapshot"),
    ] {
        assert!(found(&rest).iter().any(|it| it.contains(expected)), "{rest}");
    }
}

/// A folder with these files, and what reading the first one gives.
fn read(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Scenario, String>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let file = folder.path().join(files[0].0);
    let read = Scenario::parse_file(files[0].1, &Vars::new(), &file).map_err(|error| error.to_string());
    (folder, read)
}

fn including(what: &str) -> String {
    written(&format!("steps: [{{enroll: bob}}, {{include: {what}}}]"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_steps_of_another_file_are_steps_of_this_one() {
    let part = "cardea-steps: 1\nvars: {who: bob}\nsteps:\n  - enroll: ${who}\n  - open: ${who}\n    expect: {server: {\"${who}\": open}}\n";
    let (_folder, scenario) =
        read(&[("a.yaml", &including("{file: parts/b.yaml, vars: {who: alice}}")), ("parts/b.yaml", part)]);
    let scenario = scenario.unwrap();
    assert_eq!(lint::look(&scenario), []);
    let run = run(scenario).await;
    assert_eq!((run.failure, run.steps), (None, 3));

    let fails = "cardea-steps: 1\nsteps:\n  - open: alice\n";
    let (_folder, scenario) = read(&[("a.yaml", &including("b.yaml")), ("b.yaml", fails)]);
    let failure = super::run(scenario.unwrap()).await.failure.unwrap().to_string();
    assert!(
        failure.contains("line 5") && failure.contains("in b.yaml, line 3, column 5, `open`: it failed"),
        "{failure}"
    );
}

#[test]
fn a_file_that_cannot_be_included_is_refused_where_it_is_named() {
    let part = "cardea-steps: 1\nsteps: []\n";
    let again = "cardea-steps: 1\nsteps: [{include: c.yaml}]\n";
    let back = "cardea-steps: 1\nsteps: [{include: b.yaml}]\n";
    for (what, expected) in [
        ("no.yaml", "cannot read"),
        ("../a.yaml", "is not beside the scenario or below"),
        ("/etc/passwd", "is not beside the scenario or below"),
        ("\"\"", "is not beside the scenario or below"),
        ("{file: b.yaml, vars: {hwo: x}}", "has no `hwo` in its `vars`"),
        ("{fiel: b.yaml}", "did you mean `file`?"),
        ("cycle.yaml", "in cycle.yaml, line 2, column 19: in c.yaml"),
        ("slip.yaml", "in slip.yaml, line 2, column 10: there is no verb `opne`"),
        ("scenario.yaml", "there is no field `cardea-scenario` here"),
        ("later.yaml", "version 1 of steps"),
    ] {
        let (_folder, read) = read(&[
            ("a.yaml", &including(what)),
            ("b.yaml", part),
            ("cycle.yaml", again),
            ("c.yaml", "cardea-steps: 1\nsteps: [{include: cycle.yaml}]\n"),
            ("back.yaml", back),
            ("slip.yaml", "cardea-steps: 1\nsteps: [{opne: bob}]\n"),
            ("scenario.yaml", &written("steps: []")),
            ("later.yaml", "cardea-steps: 2\nsteps: []\n"),
        ]);
        let error = read.unwrap_err();
        assert!(error.starts_with("line 5, column ") && error.contains(expected), "{what}: {error}");
    }
}

#[test]
fn steps_alone_are_no_scenario() {
    let error = Scenario::parse("cardea-steps: 1\nsteps: []\n").unwrap_err().to_string();
    assert!(error.contains("steps for scenarios that include them"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_folder_is_not_followed() {
    let (folder, _) = read(&[("in/a.yaml", &including("out.yaml")), ("out.yaml", "cardea-steps: 1\nsteps: []\n")]);
    std::os::unix::fs::symlink(folder.path().join("out.yaml"), folder.path().join("in/out.yaml")).unwrap();
    let file = folder.path().join("in/a.yaml");
    let error = Scenario::parse_file(&including("out.yaml"), &Vars::new(), &file).unwrap_err().to_string();
    assert!(error.contains("leads out of the folder of the scenario"), "{error}");
}
