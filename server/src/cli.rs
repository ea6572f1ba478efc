//! The command line: what the program `cardea-server` does.

mod account;
mod application;
mod args;
mod audit;
mod authkey;
mod channel_threads;
mod copies;
mod data;
mod descriptors;
mod dev;
mod doctor;
mod init;
mod keys;
mod log;
mod output;
mod policy;
mod ready;
mod secret_input;
mod serve;
mod service;
mod subscription;
mod token;
mod webhook;

use std::io;
use std::process::ExitCode;

pub use args::Cli;
use args::{AuthkeyCommand, Command, ConfigArgs, ConfigCommand, KeysCommand, ServiceCommand};

use crate::admin::AdminError;
use crate::config::{ConfigError, DEFAULTS};
use crate::http::TlsError;
use crate::storage::StorageError;
use crate::webhook::CaFileError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The operation was refused or failed.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The data cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The certificate authorities of webhooks cannot be used.
    #[error(transparent)]
    Authorities(#[from] CaFileError),
    /// A file, a socket or a stream failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, and to what.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// An argument that only the command itself can judge.
    #[error("{0}")]
    Argument(String),
    /// A receiver did not take the test; the operator looks at it.
    #[error("the test did not arrive: {0}")]
    Undelivered(String),
    /// `doctor` has found so many things that have to be mended.
    #[error("{0} to mend, see above")]
    Unwell(usize),
}

impl CliError {
    /// Wraps an [`io::Error`] with what was being done.
    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// What to type next, where the error itself does not say.
    const fn advice(&self) -> &'static str {
        match self {
            Self::Admin(AdminError::NoService) => ": see `cardea-server service list`",
            Self::Admin(AdminError::NoSubscription) => ": see `cardea-server subscription list`",
            Self::Admin(AdminError::NoAccount) => ": see `cardea-server account list`",
            Self::Admin(AdminError::NoApplication) => ": see `cardea-server application list`",
            Self::Admin(AdminError::NoAuthkey) => " of `cardea-server authkey list`",
            _ => "",
        }
    }
}

impl Cli {
    /// Does what the command line says. Answers go to standard output, errors and logs to standard error.
    ///
    /// Exit status: 0 done, 1 failed, 2 (from the parser) not understood, 101 a defect in the server.
    #[must_use]
    pub fn execute(self) -> ExitCode {
        log::end_on_panic();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let result = runtime
            .map_err(CliError::io("cannot start threads"))
            .and_then(|runtime| runtime.block_on(Box::pin(dispatch(self.command))));
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("cardea-server: {error}{}", error.advice());
                ExitCode::FAILURE
            }
        }
    }
}

async fn dispatch(command: Command) -> Result<(), CliError> {
    match command {
        Command::Run(args) => serve::run(args).await,
        Command::Dev(args) => dev::run(args).await,
        Command::Init(args) => init::run(args).await,
        Command::Config(ConfigArgs { command: None }) => output::text(DEFAULTS),
        Command::Config(ConfigArgs { command: Some(ConfigCommand::Print(args)) }) => {
            output::text(&args.settings.sources(None).explain()?)
        }
        Command::Service(ServiceCommand::Create(args)) => service::create(args).await,
        Command::Service(ServiceCommand::List(args)) => service::list(args).await,
        Command::Service(ServiceCommand::Show(args)) => service::show(args).await,
        Command::Service(ServiceCommand::Update(args)) => service::update(args).await,
        Command::Service(ServiceCommand::Delete(args)) => service::delete(args).await,
        Command::Webhook(command) => webhook::run(command).await,
        Command::Subscription(command) => subscription::run(command).await,
        Command::Authkey(AuthkeyCommand::Create(args)) => authkey::create(args).await,
        Command::Authkey(AuthkeyCommand::List(args)) => authkey::list(args).await,
        Command::Authkey(AuthkeyCommand::Rotate(args)) => authkey::rotate(args).await,
        Command::Authkey(AuthkeyCommand::Revoke(args)) => authkey::revoke(args).await,
        Command::Account(command) => account::run(command).await,
        Command::Application(command) => application::run(command).await,
        Command::Policy(command) => policy::run(command).await,
        Command::Token(command) => token::run(command).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Keys(KeysCommand::Show(args)) => keys::show(args).await,
        Command::Keys(KeysCommand::Rotate(args)) => keys::rotate(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Backup(args) => data::backup(args).await,
        Command::RestoreMarker(args) => data::restore_marker(args).await,
        Command::ForgetFuture(args) => data::forget_future(args).await,
    }
}
