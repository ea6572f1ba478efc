//! `doctor`: looks at everything that keeps an emulator from working well, and says what to do about it.
//!
//! It makes and changes nothing. What is looked at on this machine is in `here`, what is looked at of a server in `server`.

mod here;
mod server;

use clap::Args;
use serde_json::{Value, json};

use super::CliError;
use super::args::Common;
use super::output::Output;

/// What to look at.
#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// Look at this server, too: its address, or its name
    #[arg(long, value_name = "URL|HOST")]
    pub(super) server: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Warning,
    /// With the exit code of what does not work because of it.
    Bad(u8),
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Bad(_) => "wrong",
        }
    }
}

/// What was found.
#[derive(Debug)]
struct Finding {
    verdict: Verdict,
    what: &'static str,
    text: String,
    /// What to do about it; empty where nothing has to be done.
    mend: String,
}

/// What was found, in the order in which it was looked at.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, what: &'static str, text: impl Into<String>) {
        self.0.push(Finding { verdict: Verdict::Good, what, text: text.into(), mend: String::new() });
    }

    fn warning(&mut self, what: &'static str, text: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding { verdict: Verdict::Warning, what, text: text.into(), mend: mend.into() });
    }

    fn bad(&mut self, exit: u8, what: &'static str, text: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding { verdict: Verdict::Bad(exit), what, text: text.into(), mend: mend.into() });
    }

    fn count(&self, word: &str) -> usize {
        self.0.iter().filter(|finding| finding.verdict.word() == word).count()
    }

    /// What is wrong, with the exit code of the first of it.
    fn result(&self) -> Result<(), CliError> {
        let first = self.0.iter().find_map(|finding| match finding.verdict {
            Verdict::Bad(exit) => Some(exit),
            _ => None,
        });
        first.map_or(Ok(()), |exit| Err(CliError::Unwell { wrong: self.count("wrong"), exit }))
    }
}

/// Looks, and tells.
pub(super) async fn run(common: &Common, how: &DoctorArguments, output: &Output) -> Result<(), CliError> {
    let mut findings = Findings::default();
    here::look(common, &mut findings).await?;
    if let Some(server) = &how.server {
        server::look(server, common, &mut findings).await;
    }
    let value = |finding: &Finding| {
        let Finding { verdict, what, text, mend } = finding;
        let mend = if mend.is_empty() { Value::Null } else { json!(mend) };
        json!({ "verdict": verdict.word(), "what": what, "text": text, "mend": mend })
    };
    let mut text = String::new();
    for Finding { verdict, what, text: found, mend } in &findings.0 {
        let word = output.paint().word(verdict.word(), &format!("{:<8}", verdict.word()));
        let mend = if mend.is_empty() { String::new() } else { format!(": {mend}") };
        text += &format!("{word} {what:<12} {found}{mend}\n");
    }
    text += &format!(
        "{} ok, {} to think about, {} to mend",
        findings.count("ok"),
        findings.count("warning"),
        findings.count("wrong")
    );
    let data = json!({ "findings": findings.0.iter().map(value).collect::<Vec<_>>() });
    output.looked(&data, &text, findings.result())
}
