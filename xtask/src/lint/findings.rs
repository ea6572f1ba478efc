//! What a check found.

use std::fmt::Display;

use anyhow::{Result, bail};

use crate::report::Outcome;

/// Collects everything that is wrong, so that one run shows all of it.
pub(crate) struct Findings {
    wrong: Vec<String>,
    remarks: Vec<String>,
    looked_at: usize,
    what: &'static str,
}

impl Findings {
    /// Starts a check that looks at `what` ("files", "crates").
    pub(crate) fn of(what: &'static str) -> Self {
        Self { wrong: Vec::new(), remarks: Vec::new(), looked_at: 0, what }
    }

    /// Counts one more thing looked at.
    pub(crate) fn saw(&mut self) {
        self.looked_at += 1;
    }

    /// Something that must be mended.
    pub(crate) fn wrong(&mut self, what: impl Display) {
        self.wrong.push(what.to_string());
    }

    /// Something to know that fails nothing.
    pub(crate) fn remark(&mut self, what: impl Display) {
        self.remarks.push(what.to_string());
    }

    /// What has to be mended, for the tests of a check.
    #[cfg(test)]
    pub(crate) fn all_wrong(&self) -> &[String] {
        &self.wrong
    }

    /// Turns the findings into the part's outcome. A check that looked at nothing has failed.
    pub(crate) fn verdict(self) -> Result<Outcome> {
        if !self.wrong.is_empty() {
            bail!(self.wrong.join("\n"));
        }
        if self.looked_at == 0 {
            bail!("found no {} to look at", self.what);
        }
        let mut text = format!("{} {}", self.looked_at, self.what);
        for remark in self.remarks {
            text.push_str("\n    ");
            text.push_str(&remark);
        }
        Outcome::passed(text)
    }
}
