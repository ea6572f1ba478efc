//! Devices as they were: snapshots, copies and files, and what the server makes of them.

use cardea_tests::harness::{Instance, Site};
use serde_json::json;

#[test]
fn a_device_that_was_not_used_since_a_snapshot_goes_on_and_one_that_was_is_taken_for_a_copy() {
    let (site, it) = (Site::dev(), Instance::up(&[]));
    it.done(&["device", "new", "phone", "--enroll", &site.offer("joe").link]);
    it.done(&["-d", "phone", "status"]);
    it.done(&["snap", "save", "baseline"]);
    it.done(&["snap", "load", "baseline", "--yes"]);
    assert_eq!(it.done(&["-d", "phone", "open"])["state"], "open", "nothing had happened since");
    assert_eq!(site.status("joe"), 1);
    let differences = it.done(&["snap", "diff", "baseline"]);
    assert_eq!(differences["differences"][0]["what"], "token");

    it.done(&["snap", "load", "baseline", "--yes"]);
    let blocked = it.run(&["-d", "phone", "open"]);
    assert_eq!((blocked.failed("blocked").code, site.status("joe")), (4, 4));
}

#[test]
fn two_copies_of_a_device_are_found_out_and_nothing_stays_open() {
    let (site, it) = (Site::dev(), Instance::up(&[]));
    it.done(&["device", "new", "phone", "--enroll", &site.offer("joe").link]);
    it.done(&["-d", "phone", "status"]);
    it.done(&["device", "clone", "phone", "evil"]);
    assert_eq!(it.done(&["-d", "phone", "open"])["state"], "open");
    assert_eq!(it.run(&["-d", "evil", "open"]).failed("blocked").code, 4);
    assert_eq!(site.status("joe"), 4);
    assert_eq!(it.run(&["-d", "phone", "open"]).failed("blocked").code, 4);
}

#[test]
fn a_device_moves_in_a_sealed_file_between_emulators_that_run_and_those_that_do_not() {
    let (site, it, other) = (Site::dev(), Instance::up(&[]), Instance::resting());
    it.done(&["device", "new", "phone", "--enroll", &site.offer("joe").link]);
    let (file, pass) = (it.path("phone.json"), it.path("passphrase"));
    std::fs::write(&pass, "correct horse\nbattery\n").expect("written");
    let (file, pass) = (file.to_str().expect("text"), pass.to_str().expect("text"));
    it.done(&["device", "export", "phone", file, "--passphrase-file", pass]);
    let again = it.run(&["device", "export", "phone", file, "--passphrase-file", pass]);
    assert_eq!(again.failed("usage").code, 2, "no file is replaced");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(file).expect("there").permissions().mode() & 0o777, 0o600);
    }
    it.done(&["device", "reset", "phone", "--yes"]);
    assert_eq!(it.done(&["-d", "phone", "list"])["tokens"], json!([]));

    std::fs::write(it.path("wrong"), "battery staple").expect("written");
    let wrong = it.path("wrong");
    let import = ["device", "import", file, "--passphrase-file"];
    let refused = other.run(&[&import[..], &[wrong.to_str().expect("text")]].concat());
    assert_eq!(refused.failed("bad-parcel").code, 2);
    assert_eq!(other.run(&["device", "import", file, "--insecure-plain"]).failed("bad-parcel").code, 2);
    other.done(&[&import[..], &[pass, "--name", "moved"]].concat());
    // No emulator runs there: the person at the terminal types the PIN that everybody knows.
    let pin = other.path("pin");
    std::fs::write(&pin, "274951\n").expect("written");
    let opened = other.done(&["-d", "moved", "open", "--pin-file", pin.to_str().expect("text")]);
    assert_eq!((&opened["state"], site.status("joe")), (&json!("open"), 1));

    other.done(&["device", "rename", "moved", "phone"]);
    assert_eq!(other.done(&["-d", "phone", "close"])["state"], "closed");
    assert_eq!(other.run(&["device", "rename", "moved", "more"]).failed("no-device").code, 7);
    let taken = other.run(&[&import[..], &[pass, "--name", "phone"]].concat());
    assert_eq!(taken.failed("device-exists").code, 8);
    assert_eq!(other.run(&["snap", "list"]).failed("not-running").code, 9);
}

#[test]
fn a_device_that_is_removed_is_gone_with_its_tokens_whether_an_emulator_runs_or_not() {
    let (site, it, resting) = (Site::dev(), Instance::up(&[]), Instance::resting());
    let moved = it.path("phone.json");
    let moved = moved.to_str().expect("text");
    it.done(&["device", "new", "phone", "--enroll", &site.offer("joe").link]);
    it.done(&["device", "export", "phone", moved, "--insecure-plain"]);
    it.done(&["device", "rm", "phone", "--yes"]);
    for it in [&resting, &it] {
        // The name is free, and what was moved away can come back.
        it.done(&["device", "import", moved, "--insecure-plain"]);
        assert_ne!(it.done(&["-d", "phone", "list"])["tokens"], json!([]));
        it.done(&["device", "rm", "phone", "--yes"]);
        assert_eq!(it.run(&["device", "rm", "phone", "--yes"]).failed("no-device").code, 7);
        assert_eq!(it.done(&["device", "list"])["devices"], json!([]));
        assert_eq!(std::fs::read_dir(it.path("cardea-emulator/test/devices")).expect("there").count(), 0);
    }
}
