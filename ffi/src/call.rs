//! The task that every call runs as.
//!
//! Whatever a call returns, the task is one type and what waits for it is another: with types of its own, each call would
//! bring some kilobytes of the runtime's machinery into the library once more.

use std::any::Any;
use std::future::Future;
use std::hint;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use tokio::task::JoinHandle;

use crate::error::Failure;
use crate::host::Asked;
use crate::{Cancel, CardeaError, end, host, runtime};

/// What a call returns.
pub(crate) type Answer = Box<dyn Any + Send>;
/// What a call does.
pub(crate) type Work = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;

/// How often a caller looks whether its task has ended before it sleeps: for some 50 to 200 µs on processors of today.
/// Counted, since a clock is not ours to read here.
const LOOKS: u32 = 5_000;

/// Whom of the host to ask before a call.
pub(crate) type Before = Option<Arc<Asked>>;

/// A call that may be awaited anywhere: nothing of it but the waiting happens where that is. It begins when it is polled
/// for the first time.
pub(crate) struct Call<T> {
    under_way: Work,
    answer: PhantomData<fn() -> T>,
}

impl<T> Call<T> {
    /// Of work whose answer is a `T`.
    pub(crate) fn of(work: Work) -> Self {
        Self { under_way: work, answer: PhantomData }
    }
}

impl<T: 'static> Future for Call<T> {
    type Output = Result<T, CardeaError>;

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = end::waking(context.waker());
        self.under_way.as_mut().poll(&mut Context::from_waker(&waker)).map(|answer| {
            match answer.map(Answer::downcast) {
                Ok(Ok(answer)) => Ok(*answer),
                // Nothing else is ever put into it.
                Ok(Err(_)) => Err(CardeaError::shutting_down()),
                Err(failure) => Err(*failure),
            }
        })
    }
}

/// A task that ends when this is dropped. Operations of the SDK may be dropped anywhere.
struct Task(JoinHandle<Result<Answer, Failure>>);

impl Task {
    /// Waits for a moment, awake, for a task that ends at once, as those do that ask no server: to sleep until another
    /// thread wakes this one takes longer than they do, in Python several times as long. Where there is one processor,
    /// the task needs it first.
    fn soon(&self) {
        thread::yield_now();
        for _ in 0..LOOKS {
            if self.0.is_finished() {
                return;
            }
            hint::spin_loop();
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One call that asks no server.
pub(crate) fn run<T: Send + 'static>(
    cancel: Option<Arc<Cancel>>,
    call: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Call<T> {
    let work: Work = Box::pin(async move { Ok(Box::new(call.await?) as Answer) });
    Call::of(under_way(None, cancel, work))
}

/// One call, after the host was asked for what it may need.
#[inline(never)]
pub(crate) fn under_way(asked: Before, cancel: Option<Arc<Cancel>>, work: Work) -> Work {
    Box::pin(async move {
        host::outside()?;
        if cancel.as_ref().is_some_and(|cancel| cancel.is_cancelled()) {
            return Err(CardeaError::cancelled().into());
        }
        let task: Work = Box::pin(async move {
            if let Some(asked) = asked {
                asked.before().await?;
            }
            work.await
        });
        let mut task = Task(runtime::handle()?.spawn(task));
        task.soon();
        let cancelled = async {
            match &cancel {
                Some(cancel) => cancel.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancelled => Err(CardeaError::cancelled().into()),
            // A task that panicked, or whose runtime ends, has no result of its own.
            done = &mut task.0 => done.unwrap_or_else(|_| Err(CardeaError::shutting_down().into())),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::Cancel;

    /// Tells when it is dropped.
    struct Noted(Arc<AtomicBool>);

    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    fn endless(dropped: &Arc<AtomicBool>) -> impl Future<Output = Result<(), Failure>> + use<> {
        let noted = Noted(Arc::clone(dropped));
        async move {
            std::future::pending::<()>().await;
            drop(noted);
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_call_that_is_cancelled_ends_with_its_number_and_is_dropped() {
        let (cancel, dropped) = (Cancel::new(), Arc::default());
        let call = tokio::spawn(run(Some(Arc::clone(&cancel)), endless(&dropped)));
        tokio::task::yield_now().await;
        assert!(!call.is_finished());
        cancel.cancel();
        assert_eq!(call.await.unwrap().unwrap_err().number(), 106);
        while !dropped.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_used_cancel_lets_nothing_begin() {
        let cancel = Cancel::new();
        cancel.cancel();
        let begun = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&begun);
        let call = async move {
            noted.store(true, Ordering::SeqCst);
            Ok(())
        };
        assert_eq!(run(Some(cancel), call).await.unwrap_err().number(), 106);
        assert!(!begun.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_dropped_call_drops_what_it_ran() {
        let dropped = Arc::default();
        let call = tokio::spawn(run(None, endless(&dropped)));
        tokio::task::yield_now().await;
        call.abort();
        while !dropped.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_call_that_panics_is_an_error() {
        let call: Result<(), CardeaError> = run(None, async { panic!("on purpose") }).await;
        assert_eq!(call.unwrap_err().number(), 150);
    }
}
