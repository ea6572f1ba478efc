//! The end of the program, for languages whose threads must not be entered any more by then.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use crate::call::{Answer, Work};
use crate::runtime;

/// How long the end of the program may be held up by a callback that does not return.
const PATIENCE: Duration = Duration::from_secs(2);

static CALLS: Mutex<Calls> = Mutex::new(Calls { under_way: 0, over: false });
static RETURNED: Condvar = Condvar::new();

/// Calls into the host program.
struct Calls {
    under_way: usize,
    over: bool,
}

fn calls() -> MutexGuard<'static, Calls> {
    CALLS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call into the host program, while it lasts.
pub(crate) struct Call;

impl Call {
    /// None once the program ends.
    pub(crate) fn begin() -> Option<Self> {
        let mut calls = calls();
        if calls.over {
            return None;
        }
        calls.under_way += 1;
        Some(Self)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        calls().under_way -= 1;
        RETURNED.notify_all();
    }
}

/// Wakes whoever waits for a call, which is a call into the host program: not once the program ends.
struct BeforeTheEnd(Waker);

impl Wake for BeforeTheEnd {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(_call) = Call::begin() {
            self.0.wake_by_ref();
        }
    }
}

/// One that wakes whom `waker` does, until the program ends.
pub(crate) fn waking(waker: &Waker) -> Waker {
    Arc::new(BeforeTheEnd(waker.clone())).into()
}

/// A future that wakes whoever waits for it until the program ends.
pub(crate) async fn waited_for<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| future.as_mut().poll(&mut Context::from_waker(&waking(context.waker())))).await
}

/// Whether something is done, and whom to tell. The channels of the standard library are ten kilobytes.
#[derive(Default)]
struct Done(Mutex<bool>, Condvar);

/// Tells when it is dropped, which it is in any case.
struct Tells(Arc<Done>);

impl Drop for Tells {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }
}

/// Lets no callback begin any more, wakes nobody who waits for a call, and waits for what of both is under way, for two seconds
/// at most. No call comes to an end after it. For the end of a program in a language that ends threads which come back to it
/// then, as Python does; its package calls this by itself.
#[uniffi::export]
pub fn shut_down() {
    let mut calls = calls();
    calls.over = true;
    let waited = RETURNED.wait_timeout_while(calls, PATIENCE, |calls| calls.under_way > 0);
    drop(waited.unwrap_or_else(PoisonError::into_inner));
    if let Some(runtime) = runtime::of_first_call() {
        // What the runtime's thread has woken, it has done with when it gets to this.
        let done = Arc::new(Done::default());
        let told = Tells(Arc::clone(&done));
        let work: Work = Box::pin(async move {
            drop(told);
            Ok(Box::new(()) as Answer)
        });
        runtime.spawn(work);
        let is_done = done.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(done.1.wait_timeout_while(is_done, PATIENCE, |is_done| !*is_done));
    }
}
