//! Rows that were edited, moved or damaged are errors. None of them is ever a status, least of all 1.

use crate::domain::enrollment::EnrollOptions;
use crate::domain::name::UserId;
use crate::domain::rules::ServiceRules;
use crate::domain::world::Window;
use crate::storage::testing::{block_on, file};
use crate::vault::VaultError;
use crate::vault::testing::*;

/// Two tokens of two users, the first one closed, the second one open.
async fn two_tokens() -> (TestVault, TestDevice, TestVault, TestDevice) {
    let rules = ServiceRules { window: Window::new(1_000, 60), ..ServiceRules::default() };
    let first = TestVault::new(file(), rules).await;
    let closed = first.enroll(1, EnrollOptions::default()).await;
    let second = TestVault {
        test: crate::storage::testing::TestStore { store: first.test.store.clone(), folder: None },
        vault: std::sync::Arc::clone(&first.vault),
        clock: std::sync::Arc::clone(&first.clock),
        service: first.service.clone(),
        user: UserId::parse("eva").expect("valid"),
    };
    let open = second.enroll(2, EnrollOptions::default()).await;
    second.open(&open, Pin::Normal).await.expect("answered");
    assert_eq!((first.status().await, second.status().await), (Ok(2), Ok(1)));
    (first, closed, second, open)
}

/// Edits the database with `sql`, then looks with fresh eyes; the edit is undone before the next one.
async fn after(vault: &TestVault, sql: &'static str) -> Result<u8, VaultError> {
    let (service, user) = (vault.service.clone(), vault.user.clone());
    vault
        .write(move |v, tx| {
            assert!(tx.execute(sql, &[])? > 0, "{sql}");
            let status = v.check(tx, &service, &user, crate::domain::actor::Actor::System, v.reading())?;
            // Rolled back with the rest.
            Err::<u8, _>(VaultError::Misuse(match status.number() {
                0 => "status 0",
                1 => "status 1",
                2 => "status 2",
                3 => "status 3",
                _ => "status 4",
            }))
        })
        .await
}

#[test]
fn an_edited_or_moved_row_is_an_error_and_never_a_status() {
    block_on(async {
        let (closed, _device, open, _other) = two_tokens().await;
        for (sql, table) in [
            // edited
            ("UPDATE token SET sealed = zeroblob(length(sealed))", "token"),
            ("UPDATE token SET sealed = substr(sealed, 1, length(sealed) - 1)", "token"),
            ("UPDATE token SET sealed = x''", "token"),
            ("UPDATE token SET ver = ver + 1", "token"),
            ("UPDATE device SET ver = ver + 1", "device"),
            ("UPDATE device SET sealed = zeroblob(length(sealed))", "device"),
            ("UPDATE device SET hint_cur = randomblob(8)", "device"),
            ("UPDATE device SET hint_prev = randomblob(8)", "device"),
            ("UPDATE device SET static_key = randomblob(32)", "device"),
            ("UPDATE attempt SET sealed = zeroblob(length(sealed))", "attempt"),
            ("UPDATE attempt SET ver = ver + 1", "attempt"),
            ("DELETE FROM attempt", "attempt"),
            // moved: the open token's row in the place of the closed one's, whole, or in parts
            (
                "UPDATE token SET sealed = (SELECT sealed FROM token WHERE user_id = CAST('eva' AS BLOB)), ver = 3",
                "token",
            ),
            (
                "UPDATE token SET user_id = CASE user_id WHEN CAST('eva' AS BLOB) THEN CAST('joe' AS BLOB) ELSE x'00' END",
                "token",
            ),
            (
                "UPDATE attempt SET (ver, sealed) = (SELECT ver, sealed FROM attempt a WHERE a.token <> attempt.token) \
                 WHERE token = (SELECT id FROM token WHERE user_id = CAST('joe' AS BLOB))",
                "attempt",
            ),
            ("UPDATE attempt SET sealed = (SELECT sealed FROM slots s WHERE s.token = attempt.token)", "attempt"),
        ] {
            assert_eq!(after(&closed, sql).await, Err(VaultError::Damaged(table)), "{sql}");
        }
        assert_eq!((closed.status().await, open.status().await), (Ok(2), Ok(1)), "and every edit was undone");
    });
}

#[test]
fn a_device_whose_slots_counter_or_token_do_not_open_gets_no_answer() {
    block_on(async {
        let (_closed, _, open, device) = two_tokens().await;
        for (sql, table) in [
            (
                "UPDATE slots SET (ver, sealed) = (SELECT ver, sealed FROM slots s WHERE s.token <> slots.token) \
                 WHERE token = (SELECT id FROM token WHERE user_id = CAST('eva' AS BLOB))",
                "slots",
            ),
            ("UPDATE slots SET ver = ver + 1", "slots"),
            ("DELETE FROM slots", "slots"),
            ("UPDATE attempt SET sealed = x'00'", "attempt"),
            (
                "UPDATE device SET (ver, sealed) = (SELECT ver, sealed FROM device d WHERE d.token <> device.token) \
                 WHERE token = (SELECT id FROM token WHERE user_id = CAST('eva' AS BLOB))",
                "device",
            ),
            ("UPDATE token SET sealed = x'00'", "token"),
            ("UPDATE meta SET sealed = x'00'", "meta"),
            ("UPDATE service SET sealed = x'00'", "service"),
        ] {
            let key = device.key;
            let viewed = open
                .write(move |v, tx| {
                    assert!(tx.execute(sql, &[])? > 0, "{sql}");
                    v.view_by_key(tx, &key, v.reading()).map(drop)?;
                    Err::<(), _>(VaultError::Misuse("viewed"))
                })
                .await;
            assert_eq!(viewed, Err(VaultError::Damaged(table)), "{sql}");
        }
    });
}

#[test]
fn a_token_whose_devices_were_deleted_is_not_open() {
    block_on(async {
        let (_closed, _, open, _) = two_tokens().await;
        assert_eq!(after(&open, "DELETE FROM device").await, Err(VaultError::Misuse("status 0")));
    });
}

#[test]
fn every_single_flipped_byte_of_the_open_tokens_rows_is_noticed() {
    block_on(async {
        let (_closed, _, open, _) = two_tokens().await;
        let (service, user) = (open.service.clone(), open.user.clone());
        let flips = open
            .write(move |v, tx| {
                let mut flips = 0;
                for table in ["token", "device", "attempt"] {
                    let (read, write) = match table {
                        "token" => ("SELECT sealed FROM token", "UPDATE token SET sealed = $1"),
                        "device" => ("SELECT sealed FROM device", "UPDATE device SET sealed = $1"),
                        _ => ("SELECT sealed FROM attempt", "UPDATE attempt SET sealed = $1"),
                    };
                    // The other user's rows are out of the way, so that the statements mean one row.
                    tx.execute("DELETE FROM token WHERE user_id <> CAST('eva' AS BLOB)", &[])?;
                    tx.execute("DELETE FROM device WHERE token NOT IN (SELECT id FROM token)", &[])?;
                    let mut sealed = Vec::new();
                    tx.query(read, &[], &mut |row| {
                        sealed = row.bytes(0)?;
                        Ok(())
                    })?;
                    for byte in 0..sealed.len() {
                        sealed[byte] ^= 0x10;
                        tx.execute(write, &[crate::storage::Value::Bytes(&sealed)])?;
                        sealed[byte] ^= 0x10;
                        let status = v.check(tx, &service, &user, crate::domain::actor::Actor::System, v.reading());
                        assert!(matches!(status, Err(VaultError::Damaged(_))), "{table} {byte}");
                        flips += 1;
                    }
                    tx.execute(write, &[crate::storage::Value::Bytes(&sealed)])?;
                }
                Ok(flips)
            })
            .await
            .expect("all noticed");
        assert!(flips > 900);
        assert_eq!(open.status().await, Ok(1), "whole again");
    });
}
