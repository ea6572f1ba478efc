//! Waiting for another process, which cannot tell when it is done.

use std::thread;
use std::time::Duration;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);
/// How often is looked: for half a minute at least.
const LOOKS: u32 = 3_000;

/// Looks until there is something, and gives up some time.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS {
        if let Some(found) = look() {
            return found;
        }
        pause(PAUSE);
    }
    panic!("waited in vain: {what}");
}

/// Lets other processes work for about so long. For choosing the point of a fault, not for waiting.
pub fn pause(time: Duration) {
    thread::park_timeout(time);
}
