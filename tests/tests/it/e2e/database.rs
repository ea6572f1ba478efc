//! A server's data that is gone, damaged, in use, full, or from the future.

use std::fs;
use std::path::PathBuf;

use cardea_tests::harness::{Site, until};
use rusqlite::Connection;
use serde_json::json;

use super::clients::denied;

const PIN: &str = Site::PIN;

fn database(site: &Site) -> PathBuf {
    site.data().join("cardea.db")
}

/// The server does not start, says why in a line with these pieces, and changes no file.
#[track_caller]
fn does_not_start(site: &mut Site, pieces: &[&str]) {
    let content = |site: &Site| {
        let mut content: Vec<_> = fs::read_dir(site.data())
            .into_iter()
            .flatten()
            .map(|entry| entry.expect("a folder can be read").path())
            .filter(|path| path.extension().is_none_or(|end| end != "lock"))
            // SQLite's index of its log: made anew whenever the database is opened, and nothing that is kept.
            .filter(|path| !path.to_string_lossy().ends_with("-shm"))
            .map(|path| (path.clone(), fs::read(path).expect("a file can be read")))
            // An empty log is none.
            .filter(|(path, content)| !(path.to_string_lossy().ends_with("-wal") && content.is_empty()))
            .collect();
        content.sort();
        content
    };
    let before = content(site);
    let ended = site.try_up().expect_err("it must not start");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let last = ended.err.lines().last().unwrap_or_default();
    assert!(last.starts_with("cardea-server: ") && pieces.iter().all(|piece| last.contains(piece)), "{ended:?}");
    let after = content(site);
    let changed = after.iter().chain(&before).find(|file| !(before.contains(file) && after.contains(file)));
    assert!(changed.is_none(), "{:?} was changed: {ended:?}", changed.map(|(path, _)| path));
}

/// An installation that has stopped, with an open token.
fn stopped() -> Site {
    let mut site = Site::dev();
    site.enrolled("joe").open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
    assert_eq!(site.stop(), Some(0));
    site
}

#[test]
fn data_that_cannot_be_read_keeps_the_server_from_starting_and_stays_as_it_is() {
    let mut site = stopped();
    let good = fs::read(database(&site)).unwrap();
    let put = |site: &Site, bytes: &[u8]| fs::write(database(site), bytes).unwrap();

    put(&site, b"not a database, but text that is long enough to look at, with 1 and 2 and more of the same kind");
    does_not_start(&mut site, &["is not a Cardea database"]);
    let mut bytes = good.clone();
    bytes[68..72].copy_from_slice(&[1, 2, 3, 4]);
    put(&site, &bytes);
    does_not_start(&mut site, &["is not a Cardea database"]);
    bytes.clone_from(&good);
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    put(&site, &bytes);
    does_not_start(&mut site, &["format 9999", "newer server"]);
    put(&site, &good[..good.len() / 2]);
    does_not_start(&mut site, &["damaged"]);

    put(&site, &good);
    let key = site.data().join("vault.key");
    let secret = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    does_not_start(&mut site, &["vault.key"]);
    let other = stopped();
    fs::copy(other.data().join("vault.key"), &key).unwrap();
    does_not_start(&mut site, &["vault.key"]);
    fs::write(&key, &secret[..secret.len() - 3]).unwrap();
    does_not_start(&mut site, &["vault.key"]);

    fs::write(&key, &secret).unwrap();
    site.up();
    assert_eq!(site.status("joe"), 1, "put back, everything is as it was");
}

#[test]
fn a_database_that_is_missing_beside_its_key_is_not_made_anew_unnoticed() {
    let mut site = stopped();
    fs::remove_file(database(&site)).unwrap();
    // Whether it starts with nothing or not at all: nobody is let in.
    if site.try_up().is_ok() {
        denied(&site.ask("joe"));
    }
    let mut site = stopped();
    fs::rename(site.data(), site.folder().join("elsewhere")).unwrap();
    site.start.run = true;
    site.start.arguments.clear();
    does_not_start(&mut site, &["data"]);
}

#[test]
fn another_program_that_holds_the_database_delays_and_opens_nothing() {
    let mut site = Site::dev_with(&["--window", "0"]);
    let device = site.enrolled("joe");
    device.open(PIN).ended(0);
    let other = Connection::open(database(&site)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // To be told "open" uses the opening up, which cannot be written.
    let answer = site.ask("joe");
    assert_eq!(answer.code, 503, "{answer:?}");
    assert!(answer.head.to_lowercase().contains("retry-after"), "{answer:?}");
    denied(&answer);
    assert_eq!(site.call("enroll", "ann", &json!({})).code, 503);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(site.status("joe"), 1, "nothing was used up");
    assert_eq!(site.status("joe"), 2);
    device.open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1);

    assert_eq!(site.stop(), Some(0));
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let ended = site.try_up().expect_err("it must not start");
    assert!(ended.code == Some(1) && ended.err.contains("locked by another process"), "{ended:?}");
    drop(other);
    site.up();
    assert_eq!(site.status("joe"), 2);
}

#[test]
fn a_row_that_was_changed_by_other_hands_is_a_failure_and_never_a_status() {
    let mut site = Site::dev();
    site.enrolled("joe").open(PIN).ended(0);
    let tables: Vec<(String, String)> = {
        let other = Connection::open(database(&site)).unwrap();
        let mut columns = other
            .prepare(
                "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND c.name = 'sealed'",
            )
            .unwrap();
        let rows = columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    assert!(!tables.is_empty());
    let mut failures = 0;
    for (table, column) in &tables {
        let good = site.folder().join("good");
        let _ = fs::remove_file(&good);
        let other = Connection::open(database(&site)).unwrap();
        other.execute("VACUUM INTO ?1", [good.display().to_string()]).unwrap();
        let spoil = format!(
            "UPDATE {table} SET {column} = CAST(substr({column}, 1, length({column}) - 1) || X'5a' AS BLOB) \
             WHERE typeof({column}) = 'blob'"
        );
        let changed = other.execute(&spoil, []).unwrap();
        drop(other);
        // Makes the server look at its rows again; whether the tool itself can work with them does not matter.
        let _ = site.tool(&["service", "list"]);
        if changed > 0 {
            let answer = site.ask("joe");
            if answer.code == 500 {
                failures += 1;
                denied(&answer);
            } else {
                // Rows that a status does not depend on.
                assert_eq!(answer.code, 200, "{table}: {answer:?}");
            }
        }
        site.kill();
        for rest in ["cardea.db-wal", "cardea.db-shm"] {
            let _ = fs::remove_file(site.data().join(rest));
        }
        fs::copy(&good, database(&site)).unwrap();
        site.up();
        assert_eq!(site.status("joe"), 1, "{table} put back");
    }
    assert!(failures > 0, "{tables:?}");
}

#[test]
fn a_database_that_vanishes_under_the_server_is_noticed() {
    let mut site = Site::dev();
    let device = site.enrolled("joe");
    device.open(PIN).ended(0);
    for name in ["cardea.db", "cardea.db-wal", "cardea.db-shm"] {
        fs::rename(site.data().join(name), site.folder().join(name)).unwrap();
    }
    let answer = site.call("block", "joe", &json!({}));
    assert!([500, 503].contains(&answer.code), "nothing is acknowledged that goes nowhere: {answer:?}");
    site.kill();
    for name in ["cardea.db", "cardea.db-wal", "cardea.db-shm"] {
        fs::rename(site.folder().join(name), site.data().join(name)).unwrap();
    }
    site.up();
    assert_eq!(site.status("joe"), 1);
}

#[cfg(unix)]
#[test]
fn a_full_disk_acknowledges_nothing_and_loses_nothing() {
    let mut site = Site::dev_with(&["--window", "0"]);
    let device = site.enrolled("joe");
    assert_eq!(site.stop(), Some(0));
    // No file grows beyond this, in units of 512 bytes or more.
    site.start.prepare = Some("trap '' XFSZ; ulimit -f 512".to_owned());
    site.up();
    let full = (0..2_000).find_map(|number| {
        let answer = site.call("enroll", &format!("user{number}"), &json!({}));
        (answer.code != 200).then_some(answer)
    });
    let full = full.expect("the disk gets full");
    assert!([500, 503].contains(&full.code), "{full:?}");
    assert!(!full.text().contains('1'), "{full:?}");
    let ran = device.start(&["open"], &[PIN]);
    until("the failure in the log", || site.log().contains("operation failed").then_some(()));
    denied(&site.ask("joe"));
    site.kill();
    site.start.prepare = None;
    site.up();
    let ran = ran.finish();
    let status = site.status("joe");
    assert!((ran.code == 0 && status == 1) || (ran.code != 0 && status == 2), "{status}: {ran:?}");
    device.open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
    assert_eq!(site.status("user0"), 0, "what was acknowledged is there");
}
