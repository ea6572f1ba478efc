//! Other programs on the folder of a wallet: they take turns, and one that is killed leaves a token that works.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use cardea_ffi::{
    Approval, CardeaError, Host, Invitation, NewPins, State, Token, Transport, Wallet, WalletOptions, open_wallet,
};
use cardea_tests::harness::{Site, until};

const PIN: &[u8] = b"274951";
fn run<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(what)
}

async fn wallet(folder: &Path) -> Result<Arc<Wallet>, CardeaError> {
    let options = WalletOptions {
        folder: folder.to_str().map(str::to_owned),
        allow_test_argon2: true,
        emulated: true,
        recover_in_background: false,
        transport: Some(Transport::Tcp),
    };
    open_wallet(options, Host::default(), None).await
}

async fn enrolled(site: &Site, folder: &Path) -> Result<Arc<Token>, CardeaError> {
    let invitation = Invitation::from_text(&site.offer("joe").link)?;
    Ok(wallet(folder).await?.enroll(invitation, NewPins::normal(PIN), None).await?.token)
}

async fn open(token: &Token) -> Result<State, CardeaError> {
    Ok(token.open(Approval::pin(PIN), None, None).await?.state)
}

/// The program `app` on the folder, which ends with the test.
struct Other(Child);

impl Other {
    fn on(folder: &Path) -> Self {
        let mut app = Command::new(env!("CARGO_BIN_EXE_app"));
        app.arg("folder").arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(app.spawn().expect("it can be started"))
    }

    /// Has it open and close so often, and end.
    fn cycle(&mut self, count: u32) {
        let mut input = self.0.stdin.take().expect("it is a pipe");
        writeln!(input, "cycle {count}").expect("it listens");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn programs_on_one_folder_take_turns() {
    let site = Site::dev();
    let folder = site.folder().join("wallet");
    run(async {
        let token = enrolled(&site, &folder).await?;
        let mut others = [Other::on(&folder), Other::on(&folder)];
        others.iter_mut().for_each(|other| other.cycle(8));
        for _ in 0..8 {
            token.status(None).await?;
        }
        for other in &mut others {
            let ended = tokio::task::block_in_place(|| other.0.wait()).expect("a child can be waited for");
            assert!(ended.success());
        }
        assert_eq!(token.close(None).await?.state, State::Closed);
        assert_eq!(site.status("joe"), 2);
        assert_eq!(open(&token).await?, State::Open);
        assert_eq!(site.status("joe"), 1);
        Ok::<(), CardeaError>(())
    })
    .expect("they take turns");
}

#[test]
fn a_program_that_is_killed_leaves_a_token_that_works() {
    let site = Site::dev();
    let folder = site.folder().join("wallet");
    run(async {
        let token = enrolled(&site, &folder).await?;
        for _ in 0..8 {
            let mut other = Other::on(&folder);
            other.cycle(u32::MAX);
            // It is at work; wherever in it the signal arrives.
            until("it has opened", || (site.status("joe") == 1).then_some(()));
            drop(other);
            assert_eq!(open(&token).await?, State::Open);
            assert_eq!(site.status("joe"), 1);
            assert_eq!(token.close(None).await?.state, State::Closed);
            assert_eq!(site.status("joe"), 2);
        }
        Ok::<(), CardeaError>(())
    })
    .expect("the token works");
}
