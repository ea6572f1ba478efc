//! What each command does.

use std::env;
use std::io::{self, BufRead as _, Read as _};
use std::path::PathBuf;
use std::time::Duration;

use cardea_sdk::{Env, Invitation, WalletError, Window};
use serde_json::json;
use zeroize::Zeroizing;

use super::args::{Arguments, Command};
use super::pins::Pins;
use super::{output, stub};
use crate::daemon::DaemonError;
#[cfg(feature = "embedded-server")]
use crate::document::DocumentError;
use crate::engine::{Device, EngineError, Options, Session, Settings, State, waiting};

/// What the one device of a state folder is called.
const DEVICE: &str = "main";
/// No link is longer.
const LONGEST_LINK: u64 = 4096;

/// Why the program ends without having done what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The engine says so.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file, a descriptor or the terminal cannot be read.
    #[error("cannot read {0}: {source}", path.display())]
    Input {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of PINs has too few lines.
    #[error("a PIN is missing: the file has one a line, in the order in which they would be asked for")]
    TooFewPins,
    /// A new PIN was not typed the same twice.
    #[error("the two PINs differ")]
    PinsDiffer,
    /// Nobody can be asked.
    #[error("there is no terminal to ask for a PIN: use --pin-file or --pin-fd")]
    NoTerminal,
    /// There is no place for a state folder.
    #[error("there is no home folder: give --state")]
    NoStateFolder,
    /// A file that was named cannot be read.
    #[cfg(feature = "embedded-server")]
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that was named is not what it should be.
    #[cfg(feature = "embedded-server")]
    #[error("{}: {source}", path.display())]
    Document {
        /// Which.
        path: PathBuf,
        /// Where, and what is wrong.
        source: DocumentError,
    },
    /// Standard output is closed.
    #[cfg(feature = "embedded-server")]
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// The stub says so.
    #[cfg(feature = "embedded-server")]
    #[error(transparent)]
    Stub(#[from] crate::stub::StubError),
    /// There is no server in this program.
    #[cfg(not(feature = "embedded-server"))]
    #[error("this program was built without a server: build it with `--features embedded-server`")]
    NoServer,
    /// The emulator did not run.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// The asynchronous runtime did not start.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
}

impl From<WalletError> for CliError {
    fn from(error: WalletError) -> Self {
        Self::Engine(error.into())
    }
}

impl CliError {
    /// The SDK's number, or 0.
    pub(super) const fn code(&self) -> u32 {
        match self {
            Self::Engine(error) => error.code(),
            _ => 0,
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<(), CliError> {
    if let Command::Stub(stub) = &arguments.command {
        return stub::run(stub, arguments.json).await;
    }
    let Arguments { state, json, allow_test_argon2, transport, web_port, web_ca, pins, command } = arguments;
    let options = Options { allow_test_argon2, transport: transport.into(), web_port, web_ca };
    let folder = state.map_or_else(default_state, Ok)?;
    let session = Session::in_folder(folder, Settings { options, ..Settings::default() }, &Env::os())?;
    let device = session.add(DEVICE).await?;
    let mut pins = Pins::open(&pins)?;
    match command {
        Command::Run(_) => Ok(()), // Nothing that one device does.
        Command::Enroll { invitation, host, label } => {
            let text = if invitation == "-" { read_line()? } else { Zeroizing::new(invitation) };
            let invitation = device.invitation(&text, host.as_deref()).await?;
            enroll(&device, &invitation, label.as_deref(), pins, json).await
        }
        Command::List => {
            output::list(json, &device.list().await?);
            Ok(())
        }
        Command::Open { token, time } => {
            let token = device.select(token.as_deref()).await?;
            let window = time.map_or(Window::Service, |seconds| Window::AtMost(Duration::from_secs(seconds)));
            let status = token.open(pins.current()?, window).await?;
            show(json, &token, status)
        }
        Command::Close { token } => {
            let token = device.select(token.as_deref()).await?;
            show(json, &token, token.close().await?)
        }
        Command::Status { token } => {
            let token = device.select(token.as_deref()).await?;
            show(json, &token, token.status().await?)
        }
        Command::Confirmations { token } => {
            let token = device.select(token.as_deref()).await?;
            output::confirmations(json, &token.key().to_string(), &token.confirmations().await?);
            Ok(())
        }
        Command::Approve { token, confirmation } => {
            let token = device.select(token.as_deref()).await?;
            let chosen = waiting(&token, confirmation.as_deref()).await?;
            if !json {
                println!("approve: {chosen}");
            }
            let status = token.approve(&chosen, pins.current()?).await?;
            output::answered(json, &token.key().to_string(), ("approved", &chosen), State::from(status));
            Ok(())
        }
        Command::Deny { token, confirmation, reason } => {
            let token = device.select(token.as_deref()).await?;
            let chosen = waiting(&token, confirmation.as_deref()).await?;
            let status = token.deny(&chosen, reason.into()).await?;
            output::answered(json, &token.key().to_string(), ("denied", &chosen), State::from(status));
            Ok(())
        }
        Command::Info { token } => {
            let token = device.select(token.as_deref()).await?;
            let info = token.info().await?;
            let text = format!("{}  {}", info.service, info.user);
            output::print(json, &json!({ "service": info.service, "user": info.user }), &text);
            Ok(())
        }
        Command::Devices { token } => {
            let token = device.select(token.as_deref()).await?;
            output::devices(json, &token.devices().await?);
            Ok(())
        }
        Command::History { token, page } => {
            let token = device.select(token.as_deref()).await?;
            output::history(json, &token.history(page).await?);
            Ok(())
        }
        Command::RevokeDevice { device: other, token } => {
            let token = device.select(token.as_deref()).await?;
            let other = crate::engine::device_id(&other)?;
            let status = token.revoke_device(other, pins.current()?).await?;
            output::changed(json, &token.key().to_string(), "device revoked", State::from(status));
            Ok(())
        }
        Command::ChangePin { token } => {
            let token = device.select(token.as_deref()).await?;
            let policy = token.summary().await?.policy;
            let current = pins.current()?;
            let status = token.change_pin(current, pins.new_set(&policy)?).await?;
            output::changed(json, &token.key().to_string(), "PIN changed", State::from(status));
            Ok(())
        }
        Command::SetDuress { token } => {
            let token = device.select(token.as_deref()).await?;
            let current = pins.current()?;
            let status = token.set_duress(current, pins.duress()?).await?;
            output::changed(json, &token.key().to_string(), "duress PINs set", State::from(status));
            Ok(())
        }
        Command::Unenroll { token, local } => {
            let token = device.select(token.as_deref()).await?;
            if local {
                token.forget().await?;
            } else {
                token.unenroll(pins.current()?).await?;
            }
            output::print(json, &json!({ "token": token.key().to_string() }), "unenrolled");
            Ok(())
        }
        // It has no device, and was done before one was opened.
        Command::Stub(_) => Ok(()),
    }
}

async fn enroll(
    device: &Device,
    invitation: &Invitation,
    label: Option<&str>,
    mut pins: Pins,
    json: bool,
) -> Result<(), CliError> {
    if !json {
        println!("enrolling at {invitation}");
    }
    let mut failed = None;
    let enrolled = device
        .enroll_with(invitation, async |policy| {
            // Typing takes its time: off this thread, where connections must be looked after.
            let chosen = tokio::task::spawn_blocking(move || pins.new_set(&policy)).await;
            chosen.map_err(|_| WalletError::ShuttingDown)?.map_err(|error| {
                failed = Some(error);
                WalletError::Cancelled
            })
        })
        .await;
    if let Some(error) = failed {
        return Err(error);
    }
    let enrolled = enrolled?;
    if let Some(label) = label {
        enrolled.token.set_label(label).await?;
    }
    let token = enrolled.token.key().to_string();
    let digits = enrolled.short_string.as_ref().map(|(digits, _)| digits.as_str());
    let mut said = format!("enrolled {token}");
    match &enrolled.short_string {
        Some((digits, true)) => said += &format!("\nconfirm on the enrolling page that it shows {digits}"),
        Some((digits, false)) => said += &format!("\nthe enrolling page shows {digits} too"),
        None => {}
    }
    output::print(json, &json!({ "token": token, "shortString": digits }), &said);
    Ok(())
}

fn show(json: bool, token: &cardea_sdk::Token, status: cardea_sdk::Status) -> Result<(), CliError> {
    output::state(json, &token.key().to_string(), State::from(status));
    Ok(())
}

fn read_line() -> Result<Zeroizing<String>, CliError> {
    let mut line = Zeroizing::new(String::new());
    io::stdin()
        .lock()
        .take(LONGEST_LINK)
        .read_line(&mut line)
        .map_err(|source| CliError::Input { path: "standard input".into(), source })?;
    Ok(line)
}

/// `$XDG_STATE_HOME/cardea-emulator/default`, or its place in the home folder.
pub(super) fn default_state() -> Result<PathBuf, CliError> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    folder("XDG_STATE_HOME")
        .or_else(|| Some(folder("HOME")?.join(".local").join("state")))
        .or_else(|| folder("LOCALAPPDATA"))
        .map(|base| base.join("cardea-emulator").join("default"))
        .ok_or(CliError::NoStateFolder)
}
