//! The program headers of an ELF library.

/// The page that segments have to be aligned to.
const PAGE: u64 = 0x4000;
/// Type of a program header whose segment is loaded.
const LOAD: u32 = 1;
/// Bytes of a 64-bit program header.
const ENTRY: usize = 56;
/// More program headers than this are counted elsewhere in the file; no library has so many.
const MANY: u16 = 0xffff;

/// For which addresses a library is made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// 64 bits: every loaded segment is aligned.
    Wide,
    /// 32 bits: not looked at any further.
    Narrow,
}

/// Whether every loaded segment is aligned to [`PAGE`]; otherwise what is wrong.
pub(super) fn check(bytes: &[u8]) -> Result<Width, String> {
    if bytes.get(..4) != Some(b"\x7fELF") {
        return Err("no ELF file".to_owned());
    }
    match (bytes.get(4), bytes.get(5)) {
        (Some(1), _) => return Ok(Width::Narrow),
        (Some(2), Some(1)) => {}
        _ => return Err("neither a 32-bit nor a little-endian 64-bit ELF file".to_owned()),
    }
    let cut = || "the ELF file is cut short".to_owned();
    let start = number::<8>(bytes, 0x20).and_then(|start| usize::try_from(start).ok()).ok_or_else(cut)?;
    let size = number::<2>(bytes, 0x36).ok_or_else(cut)?;
    let count = number::<2>(bytes, 0x38).ok_or_else(cut)?;
    if usize::try_from(size) != Ok(ENTRY) || count == u64::from(MANY) {
        return Err(format!("program headers of {size} bytes, {count} of them: not understood"));
    }
    let mut loaded = 0;
    for index in 0..usize::try_from(count).map_err(|_| cut())? {
        let from = start.checked_add(index * ENTRY).ok_or_else(cut)?;
        let header = from.checked_add(ENTRY).and_then(|to| bytes.get(from..to)).ok_or_else(cut)?;
        if number::<4>(header, 0) != Some(u64::from(LOAD)) {
            continue;
        }
        loaded += 1;
        let field = |offset| number::<8>(header, offset).ok_or_else(cut);
        segment(loaded, field(8)?, field(16)?, field(48)?)?;
    }
    if loaded == 0 { Err("no segment is loaded".to_owned()) } else { Ok(Width::Wide) }
}

fn segment(which: u32, offset: u64, address: u64, align: u64) -> Result<(), String> {
    if align < PAGE {
        return Err(format!(
            "segment {which} is aligned to {align:#x}, not to {PAGE:#x}: link with max-page-size=16384"
        ));
    }
    if !align.is_power_of_two() {
        return Err(format!("segment {which} is aligned to {align:#x}, which is no power of two"));
    }
    // What the loader maps is whole pages of the file onto whole pages of memory.
    if offset % align != address % align {
        return Err(format!(
            "segment {which} is at {offset:#x} in the file and {address:#x} in memory, which do not fit"
        ));
    }
    Ok(())
}

/// A little-endian number of `N` bytes.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(N)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
