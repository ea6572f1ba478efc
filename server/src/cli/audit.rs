//! `audit verify`, `export`, `checkpoint`, `proof` and `receipt`.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use serde_json::json;

use super::args::{AuditCommand, AuditExportArgs, AuditProofArgs, AuditReceiptArgs, AuditVerifyArgs, ListArgs};
use super::{CliError, data, log, output};
use crate::admin::AuditScope;
use crate::audit::checkpoint::{Checkpoint, Log};
use crate::audit::export::{Checker, Line};
use crate::audit::receipt;
use crate::domain::actor::Actor;
use crate::domain::name::parse_subscription;

/// Rows that are read at once.
const PAGE: u32 = 1_000;
/// Longest line of an export, and longest receipt, in bytes.
const TEXT_MAX: u64 = 1 << 20;

pub(super) async fn run(command: AuditCommand) -> Result<(), CliError> {
    match command {
        AuditCommand::Verify(args) => verify(args).await,
        AuditCommand::Export(args) => export(args).await,
        AuditCommand::Checkpoint(args) => checkpoint(args).await,
        AuditCommand::Proof(args) => proof(args).await,
        AuditCommand::Receipt(args) => check_receipt(&args),
    }
}

async fn verify(args: AuditVerifyArgs) -> Result<(), CliError> {
    if let (Some(file), Some(key)) = (&args.file, &args.key) {
        return verify_file(file, key, &args);
    }
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let admin = data::admin(&config).await?;
    let audit = admin.audit_log().await?;
    let report = admin.audit_verify(known(&audit, &args.checkpoint)?).await?;
    let root = BASE64.encode(&report.root);
    if args.json {
        output::json(&json!({
            "holds": report.holds(), "rows": report.rows, "erased": report.erased, "root": root,
            "checkpoints": report.checkpoints, "findings": report.findings,
        }))?;
    } else {
        let (rows, erased, checkpoints) = (report.rows, report.erased, report.checkpoints);
        output::text(&format!("{rows} rows, {erased} without content, {checkpoints} checkpoints, root {root}\n"))?;
        for finding in &report.findings {
            output::text(&format!("{finding}\n"))?;
        }
    }
    if report.holds() { Ok(()) } else { Err(CliError::Argument("the audit log does not hold".to_owned())) }
}

fn verify_file(file: &Path, key: &str, args: &AuditVerifyArgs) -> Result<(), CliError> {
    let key = HEXLOWER_PERMISSIVE.decode(key.as_bytes()).ok().and_then(|key| key.try_into().ok());
    let key: [u8; 32] =
        key.ok_or_else(|| CliError::Argument("--key is 64 hexadecimal digits, as `keys show` prints them".to_owned()))?;
    let audit = Log::of(&key);
    let mut checker = Checker::new(audit.clone(), known(&audit, &args.checkpoint)?);
    let failed = || CliError::io(format!("cannot read {}", file.display()));
    let mut reader = BufReader::new(open(file)?);
    loop {
        let mut line = String::new();
        let read = reader.by_ref().take(TEXT_MAX).read_line(&mut line).map_err(failed())?;
        if read == 0 {
            break;
        }
        checker.line(line.trim_end_matches('\n')).map_err(|error| CliError::Argument(error.to_string()))?;
    }
    let checked = checker.finish().map_err(|error| CliError::Argument(error.to_string()))?;
    let (rows, bare, size) = (checked.rows, checked.without_content, checked.checkpoint.size);
    let root = BASE64.encode(&checked.checkpoint.root);
    if args.json {
        return output::json(&json!({
            "holds": true, "rows": rows, "withoutContent": bare, "root": root, "size": size,
            "subscription": checked.subscription,
        }));
    }
    output::text(&format!("{rows} rows, {bare} without content, of a log of {size} rows with root {root}\n"))
}

fn known(audit: &Log, files: &[std::path::PathBuf]) -> Result<Vec<Checkpoint>, CliError> {
    let mut known = Vec::new();
    for file in files {
        let note = read(file)?;
        let checkpoint = audit.open(&note);
        known.push(checkpoint.map_err(|error| CliError::Argument(format!("{}: {error}", file.display())))?);
    }
    Ok(known)
}

async fn export(args: AuditExportArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let scope = match &args.subscription {
        None => AuditScope::Instance,
        Some(name) => {
            let name = parse_subscription(name).map_err(|error| CliError::Argument(error.to_string()))?;
            AuditScope::Subscription(name.to_owned())
        }
    };
    let admin = data::admin(&config).await?;
    let cannot = || CliError::io("cannot write the export");
    let mut out: Box<dyn Write> = match &args.out {
        None => Box::new(io::stdout().lock()),
        Some(path) => {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(path).map_err(CliError::io(format!("cannot create {}", path.display())))?;
            Box::new(file)
        }
    };
    let mut out = BufWriter::new(&mut *out);
    let (mut from, mut is_first) = (None, true);
    loop {
        let page = admin.audit_export(&scope, Actor::Operator, from, PAGE).await?;
        if std::mem::take(&mut is_first) {
            let head = admin.audit_head(page.head, &args.since).await?;
            write_line(&mut out, &head).map_err(cannot())?;
        }
        for mut line in page.lines {
            if args.bare {
                line = Line { salt: None, content: None, event: None, ..line };
            }
            write_line(&mut out, &line).map_err(cannot())?;
        }
        from = page.next;
        if from.is_none() {
            return out.flush().map_err(cannot());
        }
    }
}

fn write_line(out: &mut impl Write, line: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

async fn checkpoint(args: ListArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let admin = data::admin(&config).await?;
    let (note, audit) = (admin.audit_checkpoint().await?, admin.audit_log().await?);
    if args.json { output::json(&json!({ "checkpoint": note, "verifier": audit.vkey() })) } else { output::text(&note) }
}

async fn proof(args: AuditProofArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let admin = data::admin(&config).await?;
    let proof = match (args.row, args.since) {
        (Some(row), _) => admin.audit_inclusion(row).await?,
        (None, since) => admin.audit_consistency(since.unwrap_or_default()).await?,
    };
    output::json(&json!({ "checkpoint": proof.checkpoint, "proof": proof.proof }))
}

fn check_receipt(args: &AuditReceiptArgs) -> Result<(), CliError> {
    let text = read(&args.file)?;
    let json = serde_json::from_str(&text).map_err(|_| CliError::Argument("the receipt is not JSON".to_owned()))?;
    let key = args.key.as_ref().map(|key| {
        let key = BASE64URL_NOPAD.decode(key.as_bytes()).ok().and_then(|key| <[u8; 32]>::try_from(key).ok());
        key.ok_or_else(|| CliError::Argument("--key is 43 characters of base64url".to_owned()))
    });
    let key = key.transpose()?;
    let receipt = receipt::check(&json, key.as_ref(), args.text.as_deref());
    let receipt = receipt.map_err(|error| CliError::Argument(error.to_string()))?;
    let (op, time) = (format!("{:?}", receipt.op).to_lowercase(), receipt.time.get());
    let public = BASE64URL_NOPAD.encode(&receipt.key);
    if args.json {
        return output::json(&json!({
            "holds": true, "operation": op, "time": time, "token": receipt.token, "device": receipt.device,
            "confirmation": receipt.confirmation, "publicKey": public,
        }));
    }
    let (token, device) = (receipt.token, receipt.device);
    let about = receipt.confirmation.map(|id| format!("confirmation {id}\n")).unwrap_or_default();
    output::text(&format!(
        "operation    {op}\ntime         {time}\ntoken        {token}\ndevice       {device}\n{about}key          {public}\n"
    ))
}

fn open(file: &Path) -> Result<Box<dyn Read>, CliError> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let opened = File::open(file).map_err(CliError::io(format!("cannot read {}", file.display())))?;
    Ok(Box::new(opened))
}

fn read(file: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let read = open(file)?.take(TEXT_MAX).read_to_string(&mut text);
    read.map_err(CliError::io(format!("cannot read {}", file.display())))?;
    Ok(text)
}
