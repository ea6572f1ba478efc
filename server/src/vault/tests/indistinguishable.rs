//! Nobody who sees the database, the device, or the wire can tell which PIN it was.

use cardea_protocol::token::DeviceId;

use crate::domain::enrollment::EnrollOptions;
use crate::domain::rules::ServiceRules;
use crate::domain::world::Window;
use crate::storage::StorageError;
use crate::storage::testing::{block_on, file};
use crate::vault::testing::*;
use crate::vault::{PinAction, VaultError};

const ADD: EnrollOptions = EnrollOptions { replace_device: false, add_device: true };

/// Every row: its table, everything of it that is not sealed, and how many bytes are.
type Image = Vec<(String, Vec<String>)>;

/// Which tables have which columns in clear, and whether they have a version.
const TABLES: [(&str, &str); 12] = [
    ("meta", "SELECT name || ver || ' ' || length(sealed) FROM meta ORDER BY name"),
    ("counter", "SELECT name || value FROM counter ORDER BY name"),
    ("subscription", "SELECT name || created_at || ver || ' ' || length(sealed) FROM subscription ORDER BY name"),
    ("service", "SELECT id || name || ver || ' ' || length(sealed) FROM service ORDER BY id"),
    ("authkey", "SELECT id || ver || ' ' || length(sealed) FROM authkey ORDER BY id"),
    ("token", "SELECT hex(id) || hex(user_id) || ver || ' ' || length(sealed) FROM token ORDER BY id"),
    (
        "device",
        "SELECT hex(token) || hex(number) || ver || ' ' || length(sealed) || hex(hint_cur) || hex(hint_prev) || \
         hex(hint_alt) || hex(static_key) FROM device ORDER BY token, number",
    ),
    ("slots", "SELECT hex(token) || hex(number) || ver || ' ' || length(sealed) FROM slots ORDER BY token, number"),
    ("attempt", "SELECT hex(token) || hex(number) || ver || ' ' || length(sealed) FROM attempt ORDER BY token, number"),
    (
        "journal",
        "SELECT seq || ' ' || at || subscription || service || hex(token) || length(hash) || ' ' || length(sealed) \
         FROM journal ORDER BY seq",
    ),
    (
        "confirmation",
        "SELECT hex(id) || seq || hex(token) || service || ' ' || expires_at || swept || ver || ' ' || length(sealed) \
         FROM confirmation ORDER BY seq",
    ),
    (
        "enrollment",
        "SELECT hex(id) || lookup || hex(token) || ver || ' ' || length(sealed) FROM enrollment ORDER BY id",
    ),
];

async fn image(vault: &TestVault) -> Image {
    vault
        .write(|_, tx| {
            let mut image = Vec::new();
            for (table, sql) in TABLES {
                let mut rows = Vec::new();
                tx.query(sql, &[], &mut |row| {
                    rows.push(row.text(0)?);
                    Ok(())
                })?;
                image.push((table.to_owned(), rows));
            }
            Ok::<_, VaultError>(image)
        })
        .await
        .expect("read")
}

fn actions(asked: [u8; 8], other: DeviceId) -> [PinAction; 7] {
    [
        PinAction::Confirm { id: asked },
        PinAction::RevokeDevice(other),
        PinAction::Open { win: 0 },
        PinAction::Open { win: 5 },
        TestDevice::other_pins(),
        PinAction::Rotate,
        PinAction::Open { win: 0 },
    ]
}

/// The database after each of a few operations with `pin`, under equal randomness.
async fn history(pin: Pin, rules: ServiceRules) -> Vec<Image> {
    let vault = TestVault::new(file(), rules).await;
    let device = vault.enroll(1, EnrollOptions::default()).await;
    let other = vault.enroll(2, ADD).await;
    let asked = vault.ask_text("Pay", 86_400).await.expect("asked").id;
    let mut images = vec![image(&vault).await];
    for action in actions(asked, DeviceId::new(other.key.number)) {
        vault.clock.advance(3_600);
        let pin = match (pin, &action) {
            // The set is replaced half-way; the last operation signs with what has the same role then.
            (Pin::Normal, _) if images.len() > 9 => Pin::Other(0),
            (Pin::Duress, _) if images.len() > 9 => Pin::Other(1),
            (pin, _) => pin,
        };
        vault.pin(&device, pin, action).await.expect("answered");
        images.push(image(&vault).await);
        vault.ask(&device).await.expect("answered");
        vault.close(&device).await.expect("answered");
        images.push(image(&vault).await);
    }
    images
}

#[test]
fn the_same_rows_are_written_for_the_normal_the_duress_and_a_wrong_pin() {
    block_on(async {
        for silent_alarm in [false, true] {
            for window in [0, 30] {
                let rules = ServiceRules { window: Window::new(window, 60), silent_alarm, ..ServiceRules::default() };
                let normal = history(Pin::Normal, rules).await;
                assert!(normal.iter().flatten().any(|(table, rows)| table == "journal" && rows.len() == 16));
                assert_eq!(normal, history(Pin::Duress, rules).await);
                assert_eq!(normal, history(Pin::Wrong, rules).await);
            }
        }
    });
}

#[test]
fn another_device_takes_the_place_of_all_in_as_many_rows_whatever_they_did_before() {
    block_on(async {
        let replace = EnrollOptions { replace_device: true, add_device: false };
        let mut images = Vec::new();
        for pin in [Pin::Normal, Pin::Duress, Pin::Wrong] {
            let vault = TestVault::new(file(), ServiceRules::default()).await;
            let (first, second) = (vault.enroll(1, EnrollOptions::default()).await, vault.enroll(2, ADD).await);
            vault.enroll(3, ADD).await;
            let revoke = PinAction::RevokeDevice(DeviceId::new(second.key.number));
            vault.pin(&first, pin, revoke).await.expect("answered");
            vault.pin(&first, pin, PinAction::Unenroll).await.expect("answered");
            let mut seen = vec![image(&vault).await];
            for number in 4..=5 {
                vault.enroll(number, replace).await;
                seen.push(image(&vault).await);
            }
            let journal =
                |image: &Image| image.iter().find(|(table, _)| table == "journal").map(|(_, rows)| rows.len());
            // The offer, three devices that go, one that comes; and then only one that goes.
            let rows: Vec<_> = seen.iter().filter_map(journal).collect();
            assert_eq!([rows[1] - rows[0], rows[2] - rows[1]], [5, 3]);
            images.push(seen);
        }
        assert_eq!(images[0], images[1]);
        assert_eq!(images[0], images[2]);
    });
}

#[test]
fn the_device_is_answered_the_same_with_the_normal_and_the_duress_pin() {
    block_on(async {
        for (silent_alarm, window) in [(false, 30), (true, 30), (false, 0), (true, 0)] {
            let rules = ServiceRules { window: Window::new(window, 60), silent_alarm, ..ServiceRules::default() };
            let mut told = Vec::new();
            for pin in [Pin::Normal, Pin::Duress] {
                let vault = TestVault::new(file(), rules).await;
                let device = vault.enroll(1, EnrollOptions::default()).await;
                let second = vault.enroll(2, ADD).await;
                let asked = vault.ask_text("Pay", 600).await.expect("asked").id;
                let other = if pin == Pin::Normal { Pin::Other(0) } else { Pin::Other(1) };
                let mut answers = Vec::new();
                for (pin, action) in [
                    (pin, PinAction::Open { win: 0 }),
                    (Pin::Wrong, PinAction::Open { win: 0 }),
                    (pin, PinAction::Open { win: 4 }),
                    (pin, TestDevice::other_pins()),
                    (pin, PinAction::Open { win: 0 }),
                    (other, PinAction::Open { win: 0 }),
                    (other, PinAction::Confirm { id: asked }),
                    (other, PinAction::Confirm { id: asked }),
                    (other, PinAction::RevokeDevice(DeviceId::new(second.key.number))),
                    (other, PinAction::RevokeDevice(DeviceId::new(second.key.number))),
                    (other, PinAction::Rotate),
                    (other, PinAction::Unenroll),
                ] {
                    answers.push(vault.pin(&device, pin, action).await);
                    let view = vault.view(&device).await.expect("viewed");
                    answers.push(Ok(vault.apply(&view, crate::vault::Action::Observe).await.expect("answered")));
                    vault.clock.advance(7);
                }
                // A check by a relying party shows nothing to the device either.
                told.push(answers);
            }
            assert_eq!(told[0], told[1]);
        }
    });
}

#[test]
fn a_relying_partys_check_looks_the_same_from_the_device() {
    block_on(async {
        for (silent_alarm, window) in [(false, 30), (true, 30), (false, 0), (true, 0)] {
            let rules = ServiceRules { window: Window::new(window, 60), silent_alarm, ..ServiceRules::default() };
            let mut seen = Vec::new();
            for pin in [Pin::Normal, Pin::Duress] {
                let vault = TestVault::new(file(), rules).await;
                let device = vault.enroll(1, EnrollOptions::default()).await;
                let mut answers = vec![vault.open(&device, pin).await.expect("answered")];
                for _ in 0..3 {
                    vault.status().await.expect("answered");
                    answers.push(vault.ask(&device).await.expect("answered"));
                    vault.clock.advance(15);
                }
                seen.push((answers, image(&vault).await));
            }
            assert_eq!(seen[0], seen[1]);
        }
    });
}

#[test]
fn a_refusal_of_the_database_is_the_same_whichever_pin_it_was() {
    block_on(async {
        for pin in [Pin::Normal, Pin::Duress, Pin::Wrong] {
            let vault = TestVault::new(file(), ServiceRules::default()).await;
            let device = vault.enroll(1, EnrollOptions::default()).await;
            let other = rusqlite::Connection::open(vault.test.path().expect("a file")).expect("opens");
            other.execute_batch("BEGIN IMMEDIATE").expect("locked");
            let refused = vault.open(&device, pin).await;
            assert_eq!(refused, Err(Refused::Failed(VaultError::Storage(StorageError::Busy))));
        }
    });
}
