//! Work beside a caller: tasks that the SDK begins by itself, and what blocks, on threads where that is fine.

use std::marker::PhantomData;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::WalletError;
use crate::transport::BoxFuture;

/// Begins what the SDK does by itself. One type of task for all of it, too.
pub(crate) fn spawn(runtime: &Handle, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let task: BoxFuture<'static, ()> = Box::pin(task);
    runtime.spawn(task)
}

/// What a thread that may block returns, whatever that is.
type Any = Box<dyn std::any::Any + Send>;

/// What runs on a thread that may block. Dropped, it runs on and its result is dropped.
pub(crate) struct Blocking<T> {
    answered: oneshot::Receiver<Any>,
    result: PhantomData<fn() -> T>,
}

/// Runs what blocks on a thread where that is fine.
pub(crate) fn blocking<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Blocking<T> {
    Blocking { answered: begin(Box::new(move || Box::new(run()))), result: PhantomData }
}

/// Runs what need not block here and now.
pub(crate) fn immediately<T: Send + 'static>(run: impl FnOnce() -> T) -> Blocking<T> {
    let (answer, answered) = oneshot::channel::<Any>();
    let _ = answer.send(Box::new(run()));
    Blocking { answered, result: PhantomData }
}

/// One type of task for all of them: each with its own would add some kilobytes to every library.
#[inline(never)]
fn begin(run: Box<dyn FnOnce() -> Any + Send>) -> oneshot::Receiver<Any> {
    let (answer, answered) = oneshot::channel();
    let task: Box<dyn FnOnce() + Send> = Box::new(move || {
        // Whoever waited may have given up.
        let _ = answer.send(run());
    });
    tokio::task::spawn_blocking(task);
    answered
}

impl<T: 'static> Future for Blocking<T> {
    type Output = Result<T, WalletError>;

    #[inline(never)]
    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = std::pin::Pin::new(&mut self.answered);
        answered.poll(context).map(|answer| {
            // Nothing but a result is ever put into it; without one the runtime has ended, or `run` has panicked.
            let result = answer.ok().and_then(|answer| answer.downcast().ok());
            result.map(|result| *result).ok_or(WalletError::ShuttingDown)
        })
    }
}
