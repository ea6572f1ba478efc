//! The log over a real database that somebody edits behind the server's back.

use data_encoding::HEXLOWER;
use rusqlite::Connection;
use serde_json::Value;

use super::super::tests::{TestAdmin, joe, start, window};
use super::*;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::export::{Checker, ExportError};
use crate::audit::leaf::Leaf;
use crate::audit::proof::{is_consistent, is_included};
use crate::audit::tree::Frontier;
use crate::clock::UnixSeconds;
use crate::domain::name::{ServiceName, UserId};
use crate::storage::testing::block_on;
use crate::vault::testing::Pin;

/// A log with a dozen rows, the first half of which a checkpoint signs, and a connection to edit it with.
async fn some_log() -> (TestAdmin, Connection) {
    let test = start().await;
    let service = test.service("default_demo", window(30)).await;
    let (vault, device) = test.device(&service).await;
    for pin in [Pin::Normal, Pin::Wrong, Pin::Duress] {
        vault.open(&device, pin).await.expect("answered");
        vault.close(&device).await.expect("answered");
        test.clock.advance(5);
    }
    test.admin.audit_checkpoint().await.expect("signed");
    for _ in 0..3 {
        test.admin.block(&service, &joe(), Actor::Operator).await.expect("blocked");
        test.admin.unblock(&service, &joe(), Actor::Operator).await.expect("unblocked");
    }
    let attacker = Connection::open(test.folder.path().join("cardea.db")).expect("opens");
    attacker
        .execute_batch(
            "CREATE TEMP TABLE j AS SELECT * FROM main.journal; CREATE TEMP TABLE m AS SELECT * FROM main.meta; \
             CREATE TEMP TABLE c AS SELECT * FROM main.checkpoint",
        )
        .expect("copied");
    (test, attacker)
}

fn restore(attacker: &Connection) {
    attacker
        .execute_batch(
            "DELETE FROM main.journal; INSERT INTO main.journal SELECT * FROM j; \
             DELETE FROM main.meta; INSERT INTO main.meta SELECT * FROM m; \
             DELETE FROM main.checkpoint; INSERT INTO main.checkpoint SELECT * FROM c",
        )
        .expect("restored");
}

async fn verify(test: &TestAdmin) -> AuditReport {
    test.admin.audit_verify(Vec::new()).await.expect("read")
}

#[test]
fn an_untouched_log_holds() {
    block_on(async {
        let (test, _attacker) = some_log().await;
        let report = verify(&test).await;
        assert!(report.holds(), "{:?}", report.findings);
        assert_eq!((report.checkpoints, report.erased), (1, 0));
        let note = test.admin.audit_checkpoint().await.expect("signed");
        let log = test.admin.audit_log().await.expect("read");
        let checkpoint = log.open(&note).expect("signed by this instance");
        assert_eq!((checkpoint.size, checkpoint.root), (report.rows, report.root));
        assert_eq!(test.admin.audit_checkpoint().await.expect("signed"), note, "once for each size");
        assert_eq!(verify(&test).await.checkpoints, 2);
    });
}

#[test]
fn whatever_is_edited_is_found() {
    block_on(async {
        let (test, attacker) = some_log().await;
        let newest = verify(&test).await.rows;
        for sql in [
            // changed
            "UPDATE journal SET at = at + 1 WHERE seq = 3",
            "UPDATE journal SET hash = zeroblob(32) WHERE seq = 3",
            "UPDATE journal SET sealed = zeroblob(length(sealed)) WHERE seq = 3",
            "UPDATE journal SET sealed = substr(sealed, 2) WHERE seq = 3",
            "UPDATE journal SET sealed = NULL WHERE seq = 3",
            "UPDATE journal SET sealed = NULL",
            "UPDATE journal SET token = NULL WHERE seq = 3",
            "UPDATE journal SET token = zeroblob(16) WHERE seq = 3",
            "UPDATE journal SET service = 9 WHERE seq = 3",
            "UPDATE journal SET subscription = 'other' WHERE seq = 3",
            "UPDATE journal SET (hash, sealed) = (SELECT hash, sealed FROM journal WHERE seq = 4) WHERE seq = 3",
            "UPDATE journal SET (at, hash, sealed) = (SELECT at, hash, sealed FROM j WHERE seq = 4) WHERE seq = 3",
            // dropped: the first, one in the middle, the newest, several, all
            "DELETE FROM journal WHERE seq = 1",
            "DELETE FROM journal WHERE seq = 4",
            "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
            "DELETE FROM journal WHERE seq > 5",
            "DELETE FROM journal",
            // dropped, and those after it moved up
            "DELETE FROM journal WHERE seq = 4; UPDATE journal SET seq = seq - 1 WHERE seq > 4",
            // duplicated, in the middle or at the end
            "INSERT INTO journal SELECT (SELECT max(seq) FROM j) + 1, at, subscription, service, token, hash, sealed \
             FROM j WHERE seq = 4",
            "DELETE FROM journal; INSERT INTO journal SELECT seq, at, subscription, service, token, hash, sealed FROM j \
             WHERE seq <= 4; INSERT INTO journal SELECT seq + 1, at, subscription, service, token, hash, sealed FROM j \
             WHERE seq >= 4",
            // reordered
            "UPDATE journal SET seq = -seq; UPDATE journal SET seq = 5 WHERE seq = -6; \
             UPDATE journal SET seq = 6 WHERE seq = -5; UPDATE journal SET seq = -seq WHERE seq < 0",
            // the head
            "UPDATE meta SET sealed = zeroblob(length(sealed)) WHERE name = 'journal'",
            "UPDATE meta SET ver = ver + 1 WHERE name = 'journal'",
            "UPDATE meta SET (ver, sealed) = (SELECT ver, sealed FROM m WHERE name = 'marks') WHERE name = 'journal'",
            "DELETE FROM meta WHERE name = 'journal'",
            "DELETE FROM meta WHERE name = 'journal'; DELETE FROM journal",
            "DELETE FROM meta WHERE name = 'journal'; DELETE FROM journal; DELETE FROM checkpoint",
            "DELETE FROM meta WHERE name = 'journal' OR name LIKE 'cursor %'; DELETE FROM journal; \
             DELETE FROM checkpoint",
            // the checkpoint
            "UPDATE checkpoint SET note = replace(note, 'cardea', 'cordea')",
            "UPDATE checkpoint SET note = replace(note, '\u{2014}', '-')",
            "UPDATE checkpoint SET note = ''",
            "UPDATE checkpoint SET size = size + 1",
        ] {
            attacker.execute_batch(sql).expect(sql);
            let report = verify(&test).await;
            assert!(!report.holds(), "not found: {sql}");
            restore(&attacker);
            let report = verify(&test).await;
            assert!(report.holds() && report.rows == newest, "{sql}: {:?}", report.findings);
        }
    });
}

#[test]
fn every_flipped_bit_of_a_row_is_found() {
    block_on(async {
        let (test, attacker) = some_log().await;
        let sealed: Vec<u8> =
            attacker.query_row("SELECT sealed FROM journal WHERE seq = 3", [], |row| row.get(0)).expect("there");
        for byte in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[byte] ^= 1;
            attacker.execute("UPDATE journal SET sealed = ?1 WHERE seq = 3", [changed]).expect("edited");
            let report = verify(&test).await;
            assert_eq!(report.findings.len(), 1, "{byte}");
            assert!(report.findings[0].starts_with("row 3 was changed"), "{}", report.findings[0]);
        }
    });
}

#[test]
fn a_log_that_was_put_back_to_an_older_state_is_found_by_a_checkpoint_that_is_newer() {
    block_on(async {
        let (test, attacker) = some_log().await;
        let service = test.admin.list_services().await.expect("listed").remove(0);
        test.admin.block(&service, &joe(), Actor::Operator).await.expect("blocked");
        let log = test.admin.audit_log().await.expect("read");
        let newer = log.open(&test.admin.audit_checkpoint().await.expect("signed")).expect("ours");
        // The rows and the head of before, as a backup has them; the signed checkpoint stays.
        attacker
            .execute_batch(
                "DELETE FROM journal; INSERT INTO journal SELECT * FROM j; \
                 DELETE FROM meta; INSERT INTO meta SELECT * FROM m",
            )
            .expect("put back");
        let findings = verify(&test).await.findings;
        assert!(findings.iter().any(|finding| finding.contains("newest are gone")), "{findings:?}");
        // Without it, only who has kept it elsewhere can tell.
        restore(&attacker);
        assert!(verify(&test).await.holds());
        let findings = test.admin.audit_verify(vec![newer]).await.expect("read").findings;
        assert!(findings.iter().any(|finding| finding.contains("newest are gone")), "{findings:?}");
        // And that another history was written since.
        test.admin.unblock(&service, &joe(), Actor::Operator).await.expect("unblocked");
        assert!(verify(&test).await.holds());
        let findings = test.admin.audit_verify(vec![newer]).await.expect("read").findings;
        assert!(findings.iter().any(|finding| finding.contains("another root")), "{findings:?}");
    });
}

#[test]
fn a_log_without_its_head_is_not_begun_anew() {
    block_on(async {
        let (test, attacker) = some_log().await;
        let service = test.admin.list_services().await.expect("listed").remove(0);
        attacker
            .execute_batch("DELETE FROM journal; DELETE FROM checkpoint; DELETE FROM meta WHERE name = 'journal'")
            .expect("wiped");
        let refused = test.admin.block(&service, &joe(), Actor::Operator).await;
        assert!(matches!(refused, Err(AdminError::Failed(VaultError::Damaged(_)))), "{refused:?}");
        let newest = test.admin.read(|_, tx| Ok(tx.newest_journal()?)).await;
        assert_eq!(newest, Ok(0), "nothing was written");
    });
}

#[test]
fn a_log_that_is_shorter_than_its_readers_have_read_is_found() {
    block_on(async {
        let (test, attacker) = some_log().await;
        let service = test.admin.list_services().await.expect("listed").remove(0);
        let webhook = crate::admin::ServiceChange {
            webhook: Some(Some("http://127.0.0.1:9/".to_owned())),
            ..crate::admin::ServiceChange::default()
        };
        let old = "DELETE FROM journal; INSERT INTO journal SELECT * FROM j; DELETE FROM checkpoint; \
                   UPDATE meta SET (ver, sealed) = (SELECT ver, sealed FROM m WHERE name = 'journal') \
                   WHERE name = 'journal'";
        test.admin.deliver_events().await.expect("logged");
        test.admin.update_service(&service.name, webhook, Actor::Operator).await.expect("changed");
        assert!(verify(&test).await.holds());
        attacker.execute_batch(old).expect("put back");
        let findings = verify(&test).await.findings;
        assert!(findings.iter().any(|finding| finding.contains("webhook")), "{findings:?}");
        test.admin.block(&service, &joe(), Actor::Operator).await.expect("blocked");
        test.admin.deliver_events().await.expect("logged");
        attacker.execute_batch(old).expect("put back");
        let findings = verify(&test).await.findings;
        assert!(findings.iter().any(|finding| finding.contains("server's log")), "{findings:?}");
        restore(&attacker);
        attacker.execute_batch("UPDATE delivery SET sealed = zeroblob(9)").expect("edited");
        assert!(!verify(&test).await.holds());
    });
}

#[test]
fn retention_erases_contents_and_the_log_still_holds() {
    block_on(async {
        let (test, attacker) = some_log().await;
        let rows = verify(&test).await.rows;
        let erase = async |days: u32, passed: u64| {
            let job = move |vault: &Vault, tx: &mut dyn Transaction| {
                vault.erase_journal(tx, days, passed, 1_000, vault.reading().now())
            };
            test.admin.write(job).await.expect("erased")
        };
        assert_eq!(erase(1, u64::MAX).await, 0, "nothing is that old");
        test.clock.advance(2 * 86_400);
        assert_eq!(erase(1, 4).await, 4, "not what a reader still needs");
        assert_eq!(erase(1, u64::MAX).await as u64, rows - 4);
        assert_eq!(erase(1, u64::MAX).await, 0, "the rows that say so are new");
        let report = verify(&test).await;
        assert!(report.holds(), "{:?}", report.findings);
        assert_eq!((report.erased, report.rows), (rows, rows + 2));
        // What retention has left is not to be edited either, nor may anybody erase more than it does.
        for sql in [
            "UPDATE journal SET at = at + 1 WHERE seq = 3",
            "UPDATE journal SET hash = zeroblob(32) WHERE seq = 3",
            "UPDATE journal SET sealed = NULL",
        ] {
            attacker.execute_batch("DROP TABLE j; CREATE TEMP TABLE j AS SELECT * FROM journal").expect("copied");
            attacker.execute_batch(sql).expect(sql);
            assert!(!verify(&test).await.holds(), "{sql}");
            attacker.execute_batch("DELETE FROM journal; INSERT INTO journal SELECT * FROM j").expect("restored");
        }
    });
}

fn check(log: &Log, known: &[Checkpoint], lines: &[String]) -> Result<u64, ExportError> {
    let mut checker = Checker::new(log.clone(), known.to_vec());
    for line in lines {
        checker.line(line)?;
    }
    checker.finish().map(|checked| checked.rows)
}

async fn export(test: &TestAdmin, scope: &AuditScope, limit: u32) -> Vec<String> {
    let (mut lines, mut from) = (Vec::new(), None);
    loop {
        let page = test.admin.audit_export(scope, Actor::Authkey(1), from, limit).await.expect("exported");
        if from.is_none() {
            lines.push(serde_json::to_string(&page.head).expect("text"));
        }
        lines.extend(page.lines.iter().map(|line| serde_json::to_string(line).expect("text")));
        from = page.next;
        if from.is_none() {
            return lines;
        }
    }
}

#[test]
fn an_export_is_checked_with_the_public_key_alone() {
    block_on(async {
        let (test, _attacker) = some_log().await;
        let before = test.admin.audit_checkpoint().await.expect("signed");
        for limit in [1, 5, 1_000] {
            let lines = export(&test, &AuditScope::Instance, limit).await;
            let identity = test.admin.server_identity().await.expect("read").public_key;
            let log = Log::of(&identity);
            let known = [log.open(&before).expect("signed")];
            assert_eq!(check(&log, &known, &lines), Ok(lines.len() as u64 - 1));
            let exported = lines.iter().filter(|line| line.contains("audit.exported")).count();
            assert!(exported >= 1, "reading is recorded before it happens");
        }
        let lines = export(&test, &AuditScope::Instance, 1_000).await;
        let log = test.admin.audit_log().await.expect("read");
        let other = Log::of(&[5; 32]);
        assert!(matches!(check(&other, &[], &lines), Err(ExportError::Checkpoint(_))));
        // Every line that is missing, twice there, or in another place.
        for place in 0..lines.len() {
            let mut dropped = lines.clone();
            dropped.remove(place);
            assert!(check(&log, &[], &dropped).is_err(), "dropped {place}");
            let mut twice = lines.clone();
            twice.insert(place, lines[place].clone());
            assert!(check(&log, &[], &twice).is_err(), "twice {place}");
            let mut swapped = lines.clone();
            swapped.swap(place, (place + 1) % lines.len());
            assert!(check(&log, &[], &swapped).is_err(), "swapped {place}");
        }
        // Every member of a row that is another one.
        let row: Value = serde_json::from_str(&lines[4]).expect("json");
        for (member, value) in row.as_object().expect("an object") {
            let mut changed = row.clone();
            changed[member] = match value {
                Value::Number(number) => (number.as_u64().expect("a number") + 1).into(),
                Value::String(text) => format!("A{}", &text[..text.len() - 1]).into(),
                other => {
                    let mut other = other.clone();
                    other["type"] = "token.closed".into();
                    other["at"] = 7.into();
                    other
                }
            };
            let mut edited = lines.clone();
            edited[4] = changed.to_string();
            assert!(check(&log, &[], &edited).is_err(), "{member}");
        }
        // Without contents the rows still lead to the root; a checkpoint of a longer log tells that rows are gone.
        let bare = |line: &String| {
            let mut row: Value = serde_json::from_str(line).expect("json");
            for member in ["salt", "content", "event"] {
                row.as_object_mut().expect("an object").remove(member);
            }
            row.to_string()
        };
        let mut without: Vec<String> = lines.iter().map(bare).collect();
        without[0].clone_from(&lines[0]);
        assert!(check(&log, &[], &without).is_ok());
        assert!(without.iter().all(|line| !line.contains("duress") && !line.contains("token.opened")));
        test.admin
            .block(&test.admin.list_services().await.expect("listed")[0], &joe(), Actor::Operator)
            .await
            .expect("blocked");
        let newer = log.open(&test.admin.audit_checkpoint().await.expect("signed")).expect("ours");
        assert!(matches!(check(&log, &[newer], &lines), Err(ExportError::Size { .. })));
    });
}

#[test]
fn a_subscriptions_export_has_its_own_rows_with_proofs() {
    block_on(async {
        let (test, _attacker) = some_log().await;
        let older = test.admin.audit_checkpoint().await.expect("signed");
        let older = test.admin.audit_log().await.expect("read").open(&older).expect("ours");
        let other = test.service("other_demo", window(30)).await;
        test.device(&other).await;
        let scope = AuditScope::Subscription("other".to_owned());
        let lines = export(&test, &scope, 1).await;
        let log = test.admin.audit_log().await.expect("read");
        let rows = check(&log, &[], &lines).expect("holds");
        assert!(rows >= 2);
        assert!(!lines.iter().any(|line| line.contains("default_demo")), "of nobody else");
        // Checkpoints from elsewhere: of the same size, newer, and older, which needs a proof.
        let head: Head = serde_json::from_str(&lines[0]).expect("a head");
        let same = log.open(&head.checkpoint).expect("ours");
        let forged = |known: Checkpoint| Checkpoint { root: [9; 32], ..known };
        assert_eq!(check(&log, &[same], &lines), Ok(rows));
        assert_eq!(check(&log, &[forged(same)], &lines), Err(ExportError::Root(same.size)));
        let newer = Checkpoint { size: same.size + 1, ..same };
        assert_eq!(
            check(&log, &[same, newer], &lines),
            Err(ExportError::Older { known: newer.size, found: same.size })
        );
        assert_eq!(check(&log, &[older], &lines), Err(ExportError::Unproved(older.size)));
        let proved = test.admin.audit_head(head.clone(), &[older.size, same.size]).await.expect("proved");
        let mut with = lines.clone();
        with[0] = serde_json::to_string(&proved).expect("text");
        assert_eq!(check(&log, &[older, same], &with), Ok(rows));
        assert_eq!(check(&log, &[forged(older)], &with), Err(ExportError::Root(older.size)));
        with[0] = with[0].replace(&proved.grown[0].proof[0], "short");
        assert_eq!(check(&log, &[older], &with), Err(ExportError::Head));
        for size in [0, same.size + 1] {
            assert!(matches!(test.admin.audit_head(head.clone(), &[size]).await, Err(AdminError::BadCall(_))));
        }
        let mut edited = lines.clone();
        edited[1] = edited[1].replacen("\"proof\":[\"", "\"proof\":[\"AAAA", 1);
        assert!(check(&log, &[], &edited).is_err());
        let mut row: Value = serde_json::from_str(&lines[1]).expect("json");
        row["proof"][0] = BASE64URL_NOPAD.encode(&[0; 32]).into();
        edited[1] = row.to_string();
        assert_eq!(check(&log, &[], &edited), Err(ExportError::Proof(row["seq"].as_u64().expect("a number"))));
        // A row of somebody else does not belong here, although it is in the tree.
        let all = export(&test, &AuditScope::Instance, 1_000).await;
        let mut foreign = lines.clone();
        foreign.insert(1, all[1].clone());
        assert!(check(&log, &[], &foreign).is_err());
    });
}

#[tokio::test]
async fn nothing_is_exported_of_a_subscription_that_never_was_and_all_of_one_that_is_gone() {
    let (test, _) = some_log().await;
    test.admin.create_subscription("gone", Actor::Operator).await.expect("created");
    test.admin.delete_subscription("gone", Actor::Operator).await.expect("deleted");
    let rows = verify(&test).await.rows;
    let never = AuditScope::Subscription("never".to_owned());
    let refused = test.admin.audit_export(&never, Actor::Operator, None, 10).await;
    assert_eq!(refused, Err(AdminError::NoSubscription));
    assert_eq!(verify(&test).await.rows, rows, "and nothing is written down about it");
    let gone = AuditScope::Subscription("gone".to_owned());
    let page = test.admin.audit_export(&gone, Actor::Operator, None, 10).await.expect("exported");
    assert!(page.lines.len() >= 2, "{page:?}");
}

#[test]
fn no_position_but_one_of_an_export_is_taken() {
    block_on(async {
        let (test, _attacker) = some_log().await;
        for through in [0, 1, u64::MAX] {
            let from = Some(AuditPosition { through, after: 0 });
            let refused = test.admin.audit_export(&AuditScope::Instance, Actor::Operator, from, 10).await;
            assert!(matches!(refused, Err(AdminError::BadCall(_))), "{through}");
        }
    });
}

#[test]
fn proofs_over_thousands_of_rows_verify() {
    block_on(async {
        let (test, _attacker) = some_log().await;
        let name = ServiceName::parse("default_demo").expect("valid");
        let record = move |vault: &Vault, tx: &mut dyn Transaction| {
            for number in 0..2_100_u32 {
                let user = UserId::parse(format!("user {number}")).expect("valid");
                let token = cardea_protocol::token::TokenId::new([7; 16]);
                let about = About::Token { service: 1, name: name.clone(), token, user };
                vault.record(tx, &Event::new(EventKind::Blocked, about, Actor::Operator, UnixSeconds::new(1)))?;
            }
            tx.journal_leaves(0, 10_000)
                .map(|rows| {
                    rows.iter().map(|row| Leaf { seq: row.seq, at: row.at, commitment: row.hash }.hash()).collect()
                })
                .map_err(VaultError::from)
        };
        let leaves: Vec<Hash> = test.admin.write(record).await.expect("recorded");
        let log = test.admin.audit_log().await.expect("read");
        let hashes = |proof: &AuditProof| -> Vec<Hash> {
            let decode = |node: &String| BASE64URL_NOPAD.decode(node.as_bytes()).expect("base64");
            proof.proof.iter().map(decode).map(|node| node.try_into().expect("32 bytes")).collect()
        };
        for seq in [1, 2, 1_023, 1_024, 1_025, 2_048, 2_049, leaves.len() as u64] {
            let proof = test.admin.audit_inclusion(seq).await.expect("proved");
            let Checkpoint { size, root } = log.open(&proof.checkpoint).expect("ours");
            assert!(is_included(&leaves[seq as usize - 1], seq - 1, size, &hashes(&proof), &root), "{seq}");
        }
        for old in [1, 5, 1_024, 1_500, 2_048, leaves.len() as u64] {
            let proof = test.admin.audit_consistency(old).await.expect("proved");
            let Checkpoint { size, root } = log.open(&proof.checkpoint).expect("ours");
            let mut tree = Frontier::default();
            leaves[..old as usize].iter().for_each(|leaf| tree.push(*leaf));
            assert!(is_consistent((old, &tree.root()), (size, &root), &hashes(&proof)), "{old}");
        }
        for seq in [0, leaves.len() as u64 + 1, u64::MAX] {
            assert!(matches!(test.admin.audit_inclusion(seq).await, Err(AdminError::BadCall(_))));
            assert!(matches!(test.admin.audit_consistency(seq).await, Err(AdminError::BadCall(_))));
        }
        assert!(verify(&test).await.holds());
    });
}

#[test]
fn leaves_say_nothing_of_duress_or_of_what_happened() {
    block_on(async {
        let (test, attacker) = some_log().await;
        let mut statement =
            attacker.prepare("SELECT length(hash), length(sealed) FROM journal WHERE token IS NOT NULL").expect("read");
        let sizes = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).expect("read");
        let sizes: std::collections::HashSet<_> = sizes.map(|row| row.expect("a row")).collect();
        assert_eq!(sizes.len(), 1, "whatever happened to a token takes a row of one size: {sizes:?}");
        // The same event is committed to with another salt each time.
        let history = test.admin.list_services().await.expect("listed").remove(0);
        let items = test.admin.history(&history, &joe(), None, 100).await.expect("read");
        let kinds: Vec<_> =
            items.iter().filter_map(|item| item.body.as_ref()).map(|body| body["type"].clone()).collect();
        assert!(kinds.contains(&"token.duress".into()) && kinds.contains(&"token.opened".into()), "{kinds:?}");
        let mut hashes = attacker.prepare("SELECT DISTINCT hash FROM journal").expect("read");
        let distinct = hashes.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("read").count();
        assert_eq!(distinct as u64, verify(&test).await.rows);
    });
}

#[test]
fn the_history_of_a_token_is_paged_from_the_newest_and_its_receipts_verify() {
    block_on(async {
        let (test, _attacker) = some_log().await;
        let service = test.admin.list_services().await.expect("listed").remove(0);
        let all = test.admin.history(&service, &joe(), None, 100).await.expect("read");
        assert!(all.windows(2).all(|pair| pair[0].seq > pair[1].seq));
        let mut paged = Vec::new();
        while let Some(page) = {
            let before = paged.last().map(|item: &crate::admin::HistoryItem| item.seq);
            Some(test.admin.history(&service, &joe(), before, 3).await.expect("read")).filter(|page| !page.is_empty())
        } {
            paged.extend(page);
        }
        assert_eq!(paged, all);
        let mut checked = 0;
        for body in all.iter().filter_map(|item| item.body.as_ref()).filter(|body| body.get("receipt").is_some()) {
            let receipt = crate::audit::receipt::check(body, None, None).expect("signed");
            assert_eq!(body["device"], receipt.device.as_str());
            assert_eq!(HEXLOWER.decode(receipt.token.as_bytes()).expect("hex").len(), 16);
            checked += 1;
        }
        assert_eq!(checked, 5, "two openings and three closes; a wrong PIN proves nothing");
        let nobody = UserId::parse("nobody").expect("valid");
        assert_eq!(test.admin.history(&service, &nobody, None, 1).await, Err(AdminError::NoToken));
    });
}
