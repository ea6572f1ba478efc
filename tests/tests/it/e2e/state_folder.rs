//! A device's folder that is copied, damaged, or cannot be used.

use std::fs;
use std::path::PathBuf;

use cardea_tests::harness::{Device, Ran, Site, output};
use serde_json::json;

const PIN: &str = Site::PIN;

#[test]
fn a_copy_that_is_used_beside_the_original_is_found_out_and_the_token_blocked() {
    let mut site = Site::dev();
    for (user, original_first) in [("joe", true), ("ann", false)] {
        let original = site.enrolled(user);
        original.open(PIN).ended(0);
        original.close().ended(0);
        let copy = original.copy(&format!("copy-of-{user}"));
        let order = if original_first { [&original, &copy] } else { [&copy, &original] };
        order[0].open(PIN).ended(0);
        assert_eq!(site.status(user), 1);
        site.power_failure();
        let second = order[1].open(PIN);
        assert_eq!(second.word(), "blocked", "{second:?}");
        assert_eq!(site.status(user), 4);
        order[0].open(PIN).failed("blocked");
        let alert = site.logged(&["alert", "clone"]);
        assert!(alert.contains("WARN"), "{alert}");
        // Only another device in its place ends that.
        assert_eq!(site.call("unblock", user, &json!({})).code, 200);
        assert_eq!(site.status(user), 4);
        site.power_failure();
        let anew = site.device(&format!("anew-{user}"));
        let link = site.offer_with(user, &json!({ "replaceDevice": true })).link;
        anew.run(&["enroll", &link], &[PIN]).ended(0);
        anew.open(PIN).ended(0);
        assert_eq!(site.status(user), 1);
        for old in order {
            let ran = old.open(PIN);
            assert!(["blocked", "not-enrolled"].contains(&&*ran.word()), "{ran:?}");
        }
        assert_eq!(site.status(user), 1, "what the old ones try changes nothing");
    }
}

/// Runs `open` and expects that the store is refused with this stable number, and the folder as it was.
#[track_caller]
fn refused(device: &Device, number: u64) -> Ran {
    let before = device.content();
    let ran = device.open(PIN).failed("store");
    assert_eq!(ran.json()["number"], number, "{ran:?}");
    assert!(ran.json()["message"].as_str().is_some_and(|text| text.contains(&device.folder().display().to_string())));
    assert_eq!(device.content(), before, "{ran:?}");
    ran
}

/// A device whose token file `change` changes, and its file.
fn spoilt(site: &Site, device: &Device, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> (Device, PathBuf) {
    let copy = device.copy(name);
    let file = copy.token_file();
    let mut bytes = fs::read(&file).expect("the device has written it");
    change(&mut bytes);
    fs::write(&file, bytes).expect("it can be written");
    assert_eq!(site.status("joe"), 2);
    (copy, file)
}

#[test]
fn a_damaged_state_file_is_told_from_a_cut_a_newer_and_a_foreign_one_and_left_as_it_is() {
    let site = Site::dev();
    let device = site.enrolled("joe");
    let length = fs::read(device.token_file()).unwrap().len();
    for at in [40, length / 2, length - 1] {
        refused(&spoilt(&site, &device, &format!("flip{at}"), |bytes| bytes[at] ^= 1).0, 131);
    }
    refused(&spoilt(&site, &device, "magic", |bytes| bytes[0] ^= 1).0, 131);
    refused(&spoilt(&site, &device, "cut", |bytes| bytes.truncate(length - 1)).0, 132);
    refused(&spoilt(&site, &device, "half", |bytes| bytes.truncate(length / 2)).0, 132);
    refused(&spoilt(&site, &device, "empty", Vec::clear).0, 132);
    refused(&spoilt(&site, &device, "long", |bytes| bytes.push(0)).0, 132);
    refused(&spoilt(&site, &device, "newer", |bytes| bytes[8] = 2).0, 133);
    assert!(refused(&spoilt(&site, &device, "newest", |bytes| bytes[8] = 255).0, 133).out.contains("update"));

    let key = |device: &Device| device.token_file().with_file_name("store.key");
    let other = site.enrolled("ann");
    let wrong = device.copy("wrong-key");
    fs::copy(key(&other), key(&wrong)).unwrap();
    refused(&wrong, 134);
    let missing = device.copy("no-key");
    fs::remove_file(key(&missing)).unwrap();
    refused(&missing, 135);
    let cut = device.copy("cut-key");
    fs::write(key(&cut), [7; 31]).unwrap();
    refused(&cut, 132);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let exposed = device.copy("open-key");
        fs::set_permissions(key(&exposed), fs::Permissions::from_mode(0o644)).unwrap();
        refused(&exposed, 136);
    }
    // None of this was the original's fault.
    device.open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_sends_nothing() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65_534;

    let site = Site::dev();
    let device = site.enrolled("joe");
    let folder = device.token_file().parent().unwrap().to_owned();
    let mut command = device.command(&["open", "--pin-file"]);
    let pins = site.folder().join("pins");
    fs::write(&pins, PIN).unwrap();
    command.arg(&pins);
    let mode = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    if fs::metadata(&folder).unwrap().uid() == 0 {
        // To the superuser everything can be written: somebody else has to try.
        command.uid(NOBODY).gid(NOBODY);
        mode(site.folder(), 0o711);
        mode(&pins, 0o644);
        for path in device.content().into_iter().map(|(path, _)| path) {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        for path in [device.folder().to_owned(), device.folder().join("devices"), folder.clone()] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    mode(&folder, 0o500);
    let before = device.content();
    let ran: Ran = { output(&mut command) }.into();
    mode(&folder, 0o700);
    assert_eq!((&*ran.word(), &ran.json()["number"]), ("store", &json!(137)), "{ran:?}");
    assert_eq!(device.content(), before);
    assert_eq!(site.status("joe"), 2);
}

#[cfg(unix)]
#[test]
fn a_full_disk_sends_nothing_and_the_next_try_works() {
    let site = Site::dev();
    let device = site.enrolled("joe");
    let pins = site.folder().join("pins");
    fs::write(&pins, PIN).unwrap();
    let plain = device.command(&["open", "--pin-file"]);
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]).arg(plain.get_program());
    let before = device.content();
    let ran: Ran = output(limited.args(plain.get_args()).arg(&pins)).into();
    assert_eq!((&*ran.word(), &ran.json()["number"]), ("store", &json!(138)), "{ran:?}");
    assert_eq!(device.content(), before);
    assert_eq!(site.status("joe"), 2);
    device.open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let site = Site::dev();
    let device = site.device("file");
    fs::write(device.folder(), "x").unwrap();
    let ran = device.status();
    assert_eq!(ran.word(), "store", "{ran:?}");
}

#[test]
fn many_emulators_on_one_folder_take_turns_or_say_that_it_is_in_use() {
    let site = Site::dev();
    let device = site.enrolled("joe");
    for _ in 0..3 {
        let running: Vec<_> = (0..6).map(|_| device.start(&["open"], &[PIN])).collect();
        let codes: Vec<i32> = running.into_iter().map(|running| running.finish().code).collect();
        assert!(codes.contains(&0) && codes.iter().all(|code| [0, 22].contains(code)), "{codes:?}");
        assert_eq!(site.status("joe"), 1);
        device.close().ended(0);
        assert_eq!(site.status("joe"), 2);
    }
}
