//! Secrets come from files or standard input, never from the command line.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// Longest secret line, in bytes.
const LIMIT: u64 = 1024;

/// Reads one line from `path`, or from standard input if that is `-`. The line end is not part of it.
///
/// # Errors
/// The file cannot be read, or holds more than one line or 1024 bytes, or something other than text.
pub(super) fn read_line(path: &Path) -> io::Result<Zeroizing<String>> {
    if path == Path::new("-") { line_of(io::stdin().lock()) } else { line_of(File::open(path)?) }
}

fn line_of(source: impl Read) -> io::Result<Zeroizing<String>> {
    // Room for all of it, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(2048));
    source.take(LIMIT + 1).read_to_string(&mut text)?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if u64::try_from(line.len()).unwrap_or(u64::MAX) > LIMIT || line.contains(['\n', '\r']) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the secret must be one line of at most 1024 bytes"));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_read_without_its_end() {
        for text in ["secret", "secret\n", "secret\r\n"] {
            assert_eq!(line_of(text.as_bytes()).expect("a line").as_str(), "secret");
        }
    }

    #[test]
    fn more_than_a_line_too_much_and_no_text_are_refused() {
        let long = "a".repeat(1025);
        for bytes in [&b"a\nb"[..], b"a\n\n", long.as_bytes(), b"\xff\xfe"] {
            assert!(line_of(bytes).is_err());
        }
        assert!(read_line(Path::new("/nonexistent")).is_err());
    }
}
