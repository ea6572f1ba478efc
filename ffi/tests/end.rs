//! The end of a program: whatever the library still does then, the host is not called any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cardea_ffi::{Clock, Host, HostError, Wallet, WalletOptions, open_wallet, shut_down};
use tokio::runtime::Handle;
use tokio::task::yield_now;

/// Stands for an object of another language: giving it up is a call into that language.
struct Foreign(Arc<AtomicUsize>);

impl Clock for Foreign {
    fn now(&self) -> Result<u64, HostError> {
        Ok(1)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

async fn opened(given_up: &Arc<AtomicUsize>) -> Arc<Wallet> {
    let host = Host { clock: Some(Arc::new(Foreign(Arc::clone(given_up)))), ..Host::default() };
    open_wallet(WalletOptions::default(), host, None).await.expect("a wallet in memory opens")
}

async fn idle() {
    while Handle::current().metrics().num_alive_tasks() > 0 {
        yield_now().await;
    }
}

/// A program with `wallet` and `live` in its globals says first that it ends, and then its globals go.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_has_brought_is_given_up_before_the_end_and_not_after_it() {
    let given_up = Arc::default();
    let wallet = opened(&given_up).await;
    drop((wallet.go_live(), wallet));
    idle().await;
    assert_eq!(given_up.load(Ordering::SeqCst), 1);

    let wallet = opened(&given_up).await;
    let live = wallet.go_live();
    shut_down();
    drop((live, wallet));
    idle().await;
    assert_eq!(given_up.load(Ordering::SeqCst), 1, "the host was called after the end");
}
