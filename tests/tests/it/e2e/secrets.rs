//! Nothing secret gets where others can read it. (The logs of all tests are searched when they end.)

use std::fs;

use cardea_tests::harness::Site;
use serde_json::json;

const PIN: &str = Site::PIN;
const DURESS: &str = "83640275";

#[test]
fn neither_the_most_talkative_log_nor_an_argument_nor_a_printed_line_has_a_secret() {
    let mut site = Site::dev_with(&["--log", "trace"]);
    let device = site.device("joe");
    let offer = site.offer("joe");
    let mut printed = Vec::new();
    let mut run = |arguments: &[&str], pins: &[&str]| {
        let ran = device.run(arguments, pins);
        printed.push(ran.out + &ran.err);
    };
    run(&["enroll", &offer.link], &[PIN, DURESS]);
    run(&["enroll", &offer.link], &[PIN]);
    run(&["enroll", &offer.code, "--host", &format!("http://{}", site.http())], &[PIN]);
    run(&["open"], &[PIN]);
    run(&["open"], &[DURESS]);
    run(&["open"], &["55018243"]);
    run(&["change-pin"], &[PIN, "46820957"]);
    run(&["status"], &[]);
    run(&["unenroll", "--yes"], &["46820957"]);
    assert_eq!(site.call("block", "joe", &json!({})).code, 200);
    assert_eq!(site.ask("joe&x=1").code, 400);
    assert_eq!(site.ask("joe").code, 200);

    let secrets = site.secrets();
    assert!(secrets.len() > 10);
    for text in printed.iter().chain([&site.killer().visible()]) {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{text}");
        }
    }
    assert!(site.log().contains("TRACE") || site.log().contains("DEBUG"), "the log talks");
    // Neither does what is stored have one as it is; the file for the next start of `dev` is meant to.
    site.power_failure();
    for entry in fs::read_dir(site.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name == "dev-authkeys") || !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for secret in &secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", path.display());
        }
    }
}

#[test]
fn an_emulator_at_work_shows_nothing_in_its_arguments_and_environment() {
    let site = Site::dev();
    let offer = site.offer("joe");
    let device = site.device("joe");
    let pins = site.folder().join("pins");
    fs::write(&pins, format!("{PIN}\n")).unwrap();
    let mut command = device.command(&["enroll", "-", "--pin-file"]);
    let mut child =
        command.arg(&pins).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    // It waits for the link; meanwhile the machine is looked at.
    let mut stdin = child.stdin.take().unwrap();
    let read = |name: &str| fs::read(format!("/proc/{}/{name}", child.id())).unwrap_or_default();
    let visible = String::from_utf8_lossy(&[read("cmdline"), read("environ")].concat()).into_owned();
    std::io::Write::write_all(&mut stdin, format!("{}\n", offer.link).as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait_with_output().unwrap().status.success());
    for secret in site.secrets().iter().chain([&PIN.to_owned()]) {
        assert!(!visible.contains(secret.as_str()), "{visible}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_stored_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut site = Site::run();
    let device = site.enrolled("joe");
    device.open(PIN).ended(0);
    site.power_failure();
    for folder in [site.data(), device.folder().to_owned(), device.token_file().parent().unwrap().to_owned()] {
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        }
    }
}
