//! Looking for what somebody has changed in the journal.

use super::super::housekeeping::LOG;
use super::super::{Admin, AdminError};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::leaf::Leaf;
use crate::audit::tree::{Frontier, Hash};
use crate::storage::rows::{AccessRows, JournalFilter, JournalRow, JournalRows};
use crate::storage::{StorageError, Transaction};
use crate::vault::{Vault, VaultError};

/// Rows that are read at once.
const PAGE: u32 = 1_000;
/// Most findings that are listed.
const FINDINGS: usize = 100;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditReport {
    /// How many rows the log has.
    pub rows: u64,
    /// How many of them retention has erased the content of.
    pub erased: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// How many signed checkpoints it agrees with.
    pub checkpoints: u64,
    /// What is wrong, in words; at most a hundred findings. Empty means that the log holds.
    pub findings: Vec<String>,
}

impl AuditReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }

    fn found(&mut self, finding: String) {
        if self.findings.len() < FINDINGS {
            self.findings.push(finding);
        }
    }
}

impl Admin {
    /// Reads the whole log and looks for rows that were changed, dropped, added or moved, for a head that does not fit
    /// them or is gone, for readers that have come further than the log goes, and for signed checkpoints that it does
    /// not agree with. `known` are checkpoints that were kept elsewhere:
    /// without any, nobody can tell that the whole database was put back to an older state.
    ///
    /// Runs beside a server that goes on writing; it looks at the rows that are there when it begins.
    ///
    /// # Errors
    /// Storage failed. What is wrong with the log is no error but a finding.
    pub async fn audit_verify(&self, known: Vec<Checkpoint>) -> Result<AuditReport, AdminError> {
        let mut report = AuditReport::default();
        // Before the head: what reads goes on, and never beyond it.
        let readers = self.read(readers).await?;
        let head = match self.read(Vault::journal_tree).await {
            Ok(head) => Some(head),
            Err(AdminError::Failed(error @ VaultError::Damaged(_))) => {
                report.found(format!("the head of the tree was changed: {error}"));
                None
            }
            Err(error) => return Err(error),
        };
        let newest = self.read(|_, tx| Ok(tx.newest_journal()?)).await?;
        let mut signed = self.signed_checkpoints(&mut report).await?;
        signed.extend(known);
        signed.sort_by_key(|checkpoint| checkpoint.size);
        signed.dedup();

        // Rows that were added since the head was read are somebody else's business, unless the head is of no use.
        let size = head.as_ref().map_or(newest, Frontier::size);
        let mut walk = Walk { tree: Frontier::default(), next: 1, signed, compared: 0, report };
        walk.compare();
        while walk.next <= size {
            let after = walk.next - 1;
            let page = self.read(move |vault, tx| page(vault, tx, after)).await?;
            if page.is_empty() {
                walk.report.found(format!("rows {} to {size} are missing", walk.next));
                break;
            }
            for (row, problem) in page.into_iter().filter(|(row, _)| row.seq <= size) {
                walk.step(&row, problem);
            }
            if walk.next == after + 1 {
                walk.report.found(format!("rows {} to {size} are missing", walk.next));
                break;
            }
        }
        let Walk { tree, signed, compared, mut report, .. } = walk;
        report.checkpoints = compared;
        (report.rows, report.root) = (tree.size(), tree.root());
        if let Some(head) = head
            && head != tree
        {
            report.found("the rows are not those that the head of the tree was computed over".to_owned());
        }
        if newest > size && self.read(Vault::journal_tree).await.is_ok_and(|now| now.size() == size) {
            report.found(format!("row {} is not in the tree", size + 1));
        }
        for (reader, mark) in readers {
            match mark {
                Ok(seq) if seq > size => {
                    report.found(format!("{reader} has come to row {seq}, but there are {size}: the newest are gone"));
                }
                Ok(_) => {}
                Err(error) => report.found(format!("how far {reader} has come was changed: {error}")),
            }
        }
        for checkpoint in signed.iter().filter(|checkpoint| checkpoint.size > tree.size()) {
            let (size, rows) = (checkpoint.size, tree.size());
            report
                .found(format!("a checkpoint was signed over {size} rows, but there are {rows}: the newest are gone"));
        }
        Ok(report)
    }

    async fn signed_checkpoints(&self, report: &mut AuditReport) -> Result<Vec<Checkpoint>, AdminError> {
        let log = self.audit_log().await?;
        let (mut signed, mut after) = (Vec::new(), None);
        loop {
            // A checkpoint of no rows has size 0, which is after nothing.
            let rows = self.read(move |_, tx| Ok(tx.checkpoints(after.unwrap_or(0), PAGE)?)).await?;
            let Some(last) = rows.last() else { return Ok(signed) };
            after = Some(last.size);
            for row in &rows {
                match log.open(&row.note) {
                    Ok(checkpoint) if checkpoint.size == row.size => signed.push(checkpoint),
                    Ok(_) => report.found(format!("the checkpoint of {} rows is one of another size", row.size)),
                    Err(error) => report.found(format!("the checkpoint of {} rows: {error}", row.size)),
                }
            }
        }
    }
}

/// Who reads the log, and how far they have come by their sealed marks.
type Readers = Vec<(String, Result<u64, VaultError>)>;

fn readers(vault: &Vault, tx: &mut dyn Transaction) -> Result<Readers, VaultError> {
    let mut readers = vec![
        ("the server's log".to_owned(), vault.cursor(tx, LOG)),
        ("retention".to_owned(), vault.journal_erased(tx)),
    ];
    for service in tx.services()? {
        let state = vault.delivery(tx, service.id).map(|state| state.map_or(0, |state| state.cursor));
        readers.push((format!("the webhook of service {}", service.id), state));
    }
    let failed = readers.iter().find_map(|(_, mark)| match mark {
        Err(error @ VaultError::Storage(_)) => Some(error.clone()),
        _ => None,
    });
    failed.map_or(Ok(readers), Err)
}

/// Some rows, each with what is wrong with it by itself.
type Page = Vec<(JournalRow, Option<String>)>;

fn page(vault: &Vault, tx: &mut dyn Transaction, after: u64) -> Result<Page, VaultError> {
    let rows = tx.journal(&JournalFilter::All, after, PAGE)?;
    // In the same transaction, so that retention cannot come in between.
    let erased = vault.journal_erased(tx);
    let mut page = Vec::with_capacity(rows.len());
    for row in rows {
        let problem = match (vault.check_journal(&row), &erased) {
            (Err(error @ VaultError::Storage(StorageError::Corrupt(_))), _) => return Err(error),
            (Err(_), _) => Some("was changed: it does not open, or is not what it commits to"),
            (Ok(false), Ok(erased)) if row.seq > *erased => {
                Some("has lost its content, although retention has not come so far")
            }
            (Ok(false), Err(_)) => Some("has no content, and the mark of retention was changed"),
            (Ok(_), _) => None,
        };
        let problem = problem.map(|problem| format!("row {} {problem}", row.seq));
        page.push((row, problem));
    }
    Ok(page)
}

struct Walk {
    tree: Frontier,
    next: u64,
    signed: Vec<Checkpoint>,
    compared: u64,
    report: AuditReport,
}

impl Walk {
    fn step(&mut self, row: &JournalRow, problem: Option<String>) {
        if row.seq > self.next {
            let (first, last) = (self.next, row.seq - 1);
            self.report.found(match first == last {
                true => format!("row {first} is missing"),
                false => format!("rows {first} to {last} are missing"),
            });
        }
        self.next = row.seq + 1;
        self.report.erased += u64::from(row.sealed.is_none());
        if let Some(problem) = problem {
            self.report.found(problem);
        }
        self.tree.push(Leaf { seq: row.seq, at: row.at, commitment: row.hash }.hash());
        self.compare();
    }

    /// Compares the tree with what was signed when it had this size.
    fn compare(&mut self) {
        let (size, root) = (self.tree.size(), self.tree.root());
        // A row that is missing shifts all that follow; the sizes are of the rows' own numbers.
        if self.next != size + 1 {
            return;
        }
        for checkpoint in self.signed.iter().filter(|checkpoint| checkpoint.size == size) {
            if checkpoint.root == root {
                self.compared += 1;
            } else {
                self.report.found(format!("a checkpoint over {size} rows was signed with another root"));
            }
        }
    }
}
