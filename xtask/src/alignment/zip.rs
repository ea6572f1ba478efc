//! Just enough of ZIP to read files out of a jar or an AAR.

use anyhow::{Context as _, Result, bail};

const END: [u8; 4] = *b"PK\x05\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// Bytes of the end record without its comment, and of a comment at most.
const END_SIZE: usize = 22;
const COMMENT: usize = 0xffff;
/// The largest file that is unpacked.
const LARGEST: usize = 256 << 20;

/// Names and bytes of the files that `wanted` asks for by name.
///
/// # Errors
///
/// It is no ZIP file, is damaged, or uses what no jar needs: encryption, other compression than deflate, 64-bit records.
pub(crate) fn contents(archive: &[u8], wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, Vec<u8>)>> {
    let end = end(archive).context("no end of a ZIP file")?;
    let count = number::<2>(archive, end + 10)?;
    let mut at = number::<4>(archive, end + 16)?;
    let mut found = Vec::new();
    for _ in 0..count {
        if archive.get(at..at + 4) != Some(&ENTRY) {
            bail!("the directory is damaged");
        }
        let name_size = number::<2>(archive, at + 28)?;
        let name = archive.get(at + 46..at + 46 + name_size).context("the directory is cut short")?;
        let name = String::from_utf8_lossy(name).into_owned();
        if wanted(&name) {
            let bytes = unpack(archive, at).with_context(|| format!("cannot unpack {name}"))?;
            found.push((name, bytes));
        }
        at += 46 + name_size + number::<2>(archive, at + 30)? + number::<2>(archive, at + 32)?;
    }
    Ok(found)
}

fn end(archive: &[u8]) -> Option<usize> {
    let last = archive.len().checked_sub(END_SIZE)?;
    (last.saturating_sub(COMMENT)..=last).rev().find(|at| archive.get(*at..at + 4) == Some(&END))
}

/// The bytes of the file that the directory's entry at `at` is about.
fn unpack(archive: &[u8], at: usize) -> Result<Vec<u8>> {
    let (flags, method) = (number::<2>(archive, at + 8)?, number::<2>(archive, at + 10)?);
    let (packed, size) = (number::<4>(archive, at + 20)?, number::<4>(archive, at + 24)?);
    let local = number::<4>(archive, at + 42)?;
    if flags & 1 != 0 {
        bail!("it is encrypted");
    }
    if size > LARGEST {
        bail!("{size} bytes are too many");
    }
    if archive.get(local..local + 4) != Some(&LOCAL) {
        bail!("the directory leads nowhere");
    }
    let start = local + 30 + number::<2>(archive, local + 26)? + number::<2>(archive, local + 28)?;
    let bytes = archive.get(start..start + packed).context("it is cut short")?;
    let bytes = match method {
        0 => bytes.to_vec(),
        8 => match miniz_oxide::inflate::decompress_to_vec_with_limit(bytes, size) {
            Ok(bytes) => bytes,
            Err(error) => bail!("it is damaged: {error}"),
        },
        method => bail!("it is compressed by method {method}"),
    };
    if bytes.len() != size {
        bail!("{} bytes where {size} were announced", bytes.len());
    }
    Ok(bytes)
}

/// A little-endian number of `N` bytes, at most 4.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Result<usize> {
    let bytes = bytes.get(at..at + N).context("the file is cut short")?;
    Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}
