//! Opening under duress.

use cardea_tests::harness::{Device, Site};

const PIN: &str = Site::PIN;
const DURESS: &str = "83640275";

/// Everything that whoever watches the device gets to see, without what differs between any two tokens.
fn seen(device: &Device, arguments: &[&str], pins: &[&str]) -> (i32, String, String) {
    let ran = device.run(arguments, pins);
    let token = ran.json()["token"].as_str().unwrap_or("-").to_owned();
    (ran.code, ran.out.replace(&token, "TOKEN"), ran.err.replace(&token, "TOKEN"))
}

#[test]
fn the_device_says_the_same_under_duress_and_the_status_is_3() {
    let mut site = Site::dev();
    let free = site.enrolled_with("free", &[PIN, DURESS]);
    let forced = site.enrolled_with("forced", &[PIN, DURESS]);
    assert_eq!(seen(&free, &["open"], &[PIN]), seen(&forced, &["open"], &[DURESS]));
    assert_eq!((site.status("free"), site.status("forced")), (1, 3));
    let alert = site.logged(&["alert", "duress_raised=true"]);
    assert!(alert.contains("WARN"), "{alert}");

    site.advance(7);
    for arguments in [&["status"][..], &["close"], &["status"], &["list"]] {
        if arguments == ["list"] {
            assert_eq!(free.run(arguments, &[]).code, forced.run(arguments, &[]).code);
        } else {
            assert_eq!(seen(&free, arguments, &[]), seen(&forced, arguments, &[]), "{arguments:?}");
        }
        assert_ne!(site.status("forced"), 1);
    }
    assert_eq!(site.status("free"), 2);
    let sizes = |device: &Device| device.content().iter().map(|(_, bytes)| bytes.len()).collect::<Vec<_>>();
    assert_eq!(sizes(&free), sizes(&forced));

    // Whoever is forced once may be forced still: the normal PIN opens for the eyes only.
    assert_eq!(seen(&free, &["open"], &[PIN]), seen(&forced, &["open"], &[PIN]));
    assert_eq!((site.status("free"), site.status("forced")), (1, 3));
    site.power_failure();
    assert_eq!(site.status("forced"), 3);
    site.advance(60);
    assert_eq!((site.status("free"), site.status("forced")), (2, 3));
}

#[test]
fn duress_pins_are_set_later_and_a_change_under_duress_does_not_last() {
    let site = Site::dev();
    let (free, forced) = (site.enrolled("free"), site.enrolled("forced"));
    free.open(DURESS).failed("pin-rejected");
    for device in [&free, &forced] {
        device.run(&["set-duress"], &[PIN, DURESS, "90517326"]).ended(0);
        device.open(PIN).ended(0);
    }
    assert_eq!(site.status("forced"), 1);
    let change = ["change-pin"];
    assert_eq!(
        seen(&free, &change, &[PIN, "46820957", DURESS]),
        seen(&forced, &change, &["90517326", "46820957", DURESS])
    );
    assert_eq!((site.status("free"), site.status("forced")), (1, 3));
    assert_eq!(seen(&free, &["open"], &["46820957"]), seen(&forced, &["open"], &["46820957"]));
    assert_eq!(
        seen(&free, &["unenroll", "--yes"], &["46820957"]),
        seen(&forced, &["unenroll", "--yes"], &["46820957"])
    );
    assert_eq!((site.status("free"), site.status("forced")), (0, 3), "the token under duress is still there");
}

#[test]
fn wrong_pins_count_the_same_whether_duress_pins_are_set_or_not() {
    let mut site = Site::dev();
    let (with, without) = (site.enrolled_with("with", &[PIN, DURESS]), site.enrolled("without"));
    for wait in [0, 0, 0, 0, 30, 60] {
        for _ in 0..2 {
            assert_eq!(seen(&with, &["open"], &["55018243"]), seen(&without, &["open"], &["55018243"]));
            if wait == 0 {
                break;
            }
        }
        site.advance(wait);
    }
    assert_eq!((site.status("with"), site.status("without")), (2, 2));
}

#[test]
fn a_silent_alarm_answers_1_and_tells_the_log_only() {
    let mut site = Site::run();
    let made = site.tool(&["service", "create", "default_till", "--silent-alarm", "--window", "3600"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    for (permissions, status) in [("basic", true), ("admin", false)] {
        let made = site.tool(&[
            "authkey",
            "create",
            "--service",
            "default_till",
            "--name",
            "till",
            "--permissions",
            permissions,
        ]);
        assert_eq!(made.code, Some(0), "{made:?}");
        let key = made.out.trim().to_owned();
        site.hide(std::slice::from_ref(&key));
        *(if status { &mut site.status_key } else { &mut site.admin_key }) = key;
    }
    site.service = "default_till".to_owned();
    let (free, forced) = (site.enrolled_with("free", &[PIN, DURESS]), site.enrolled_with("forced", &[PIN, DURESS]));
    free.open(PIN).ended(0);
    forced.open(DURESS).ended(0);
    assert_eq!(
        (site.ask("free").body, site.ask("forced").body),
        (b"{\"status\":1}".to_vec(), b"{\"status\":1}".to_vec())
    );
    site.logged(&["alert", "duress_raised=true"]);
    forced.close().ended(0);
    assert_eq!(site.status("forced"), 2);
    assert_eq!(site.log().matches("duress_raised=true").count(), 1);
}
