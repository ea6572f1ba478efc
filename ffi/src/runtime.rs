//! The runtime that every call runs in.

use std::future::pending;
#[cfg(feature = "relying-party")]
use std::future::{Future, poll_fn};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use tokio::runtime::{Builder, Handle};

use crate::CardeaError;
use crate::error::Failure;

/// That of the first call.
static FIRST: OnceLock<Handle> = OnceLock::new();
/// The library's own.
static OWN: Mutex<Option<Handle>> = Mutex::new(None);

/// The runtime of whoever calls, or else the library's own: one thread, which the first call makes and which then waits
/// for ever.
pub(crate) fn handle() -> Result<Handle, Failure> {
    let handle = match Handle::try_current() {
        Ok(handle) => handle,
        Err(_) => own().map_err(|error| CardeaError::host(format!("the system gives no thread: {error}")))?,
    };
    FIRST.get_or_init(|| handle.clone());
    Ok(handle)
}

fn own() -> std::io::Result<Handle> {
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*own {
        return Ok(handle.clone());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name("cardea".to_owned()).spawn(move || runtime.block_on(pending::<()>()))?;
    Ok(own.insert(handle).clone())
}

/// That of the first call, if there was one.
pub(crate) fn of_first_call() -> Option<&'static Handle> {
    FIRST.get()
}

/// A future that is polled inside of the runtime, whoever polls it.
#[cfg(feature = "relying-party")]
pub(crate) fn within<F: Future>(future: F) -> Result<impl Future<Output = F::Output>, Failure> {
    let handle = handle()?;
    let mut future = Box::pin(future);
    Ok(poll_fn(move |context| {
        let _inside = handle.enter();
        future.as_mut().poll(context)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_any_runtime_the_librarys_own_is_made_once() {
        let names = [(); 2].map(|()| {
            let (told, name) = std::sync::mpsc::channel();
            own().unwrap().spawn(async move { told.send(thread::current().name().map(str::to_owned)) });
            name.recv().unwrap()
        });
        assert_eq!(names, [Some("cardea".to_owned()), Some("cardea".to_owned())]);
        assert_eq!(handle().unwrap().id(), own().unwrap().id());
    }

    #[tokio::test]
    async fn inside_of_one_it_is_that_one() {
        assert_eq!(handle().unwrap().id(), Handle::current().id());
    }
}
