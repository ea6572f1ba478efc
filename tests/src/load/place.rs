//! A server whose disk is memory, for what is no measurement of disks.

use std::path::Path;

use crate::harness::Site;

/// Memory that looks like a disk, where there is such.
const MEMORY: &str = "/dev/shm";

/// A development server that writes and flushes as anywhere else, where that costs nothing. It answers at once.
pub(super) fn in_memory() -> Site {
    in_memory_with(&["--window", "3600", "--log", "error", "--set", "channel.reply_grid_ms=0"])
}

/// The same, answering on its grid as it comes.
pub(super) fn in_memory_as_it_comes() -> Site {
    in_memory_with(&["--window", "3600", "--log", "error"])
}

/// The same with these arguments.
pub(super) fn in_memory_with(arguments: &[&str]) -> Site {
    let place = Some(Path::new(MEMORY)).filter(|place| place.is_dir());
    let place = place.map_or_else(std::env::temp_dir, Path::to_path_buf);
    Site::dev_at(&place, arguments)
}
