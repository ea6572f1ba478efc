//! With ELF files and archives that are made here.

use super::*;

/// A 64-bit library with a segment for each (offset, address, alignment), and one that is not loaded and not aligned.
fn elf(segments: &[(u64, u64, u64)]) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[0x20..0x28].copy_from_slice(&64_u64.to_le_bytes());
    bytes[0x36..0x38].copy_from_slice(&56_u16.to_le_bytes());
    bytes[0x38..0x3a].copy_from_slice(&u16::try_from(segments.len() + 1).unwrap().to_le_bytes());
    let note = (4, (0x200, 0x200, 4));
    for (kind, (offset, address, align)) in
        std::iter::once(note).chain(segments.iter().map(|segment| (1_u32, *segment)))
    {
        let mut header = [0; 56];
        header[..4].copy_from_slice(&kind.to_le_bytes());
        header[8..16].copy_from_slice(&offset.to_le_bytes());
        header[16..24].copy_from_slice(&address.to_le_bytes());
        header[48..].copy_from_slice(&align.to_le_bytes());
        bytes.extend(header);
    }
    bytes
}

fn aligned() -> Vec<u8> {
    elf(&[(0, 0, 0x4000), (0x1000, 0x5000, 0x4000), (0x9000, 0x1_9000, 0x1_0000)])
}

/// A ZIP file of these files, every second one compressed, with bytes before it and a comment after it.
pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (index, (name, bytes)) in files.iter().enumerate() {
        let (method, packed) = match index % 2 {
            0 => (0_u16, bytes.to_vec()),
            _ => (8, miniz_oxide::deflate::compress_to_vec(bytes, 6)),
        };
        let start = u32::try_from(archive.len()).unwrap();
        let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
        let name_size = u16::try_from(name.len()).unwrap().to_le_bytes();
        let mut common = vec![20, 0, 0, 0];
        common.extend(method.to_le_bytes());
        common.extend([0; 8]);
        common.extend(size(&packed));
        common.extend(size(bytes));
        common.extend(name_size);
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend([3, 0]);
        archive.extend(name.as_bytes());
        archive.extend([9, 9, 9]);
        archive.extend(packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 12]);
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, size) = (u32::try_from(archive.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count);
    archive.extend(count);
    archive.extend(size.to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([2, 0]);
    archive.extend(b"hi");
    archive
}

#[test]
fn an_aligned_library_passes() {
    assert_eq!(elf::check(&aligned()), Ok(elf::Width::Wide));
}

#[test]
fn one_segment_of_four_kilobytes_is_enough_to_fail() {
    let problem = elf::check(&elf(&[(0, 0, 0x4000), (0x1000, 0x1000, 0x1000)])).unwrap_err();
    assert!(problem.contains("segment 2 is aligned to 0x1000"), "{problem}");
}

#[test]
fn an_alignment_that_no_loader_can_keep_fails() {
    assert!(elf::check(&elf(&[(0, 0, 0x6000)])).unwrap_err().contains("power of two"));
    assert!(elf::check(&elf(&[(0x1000, 0x2000, 0x4000)])).unwrap_err().contains("do not fit"));
}

#[test]
fn what_is_no_library_or_loads_nothing_fails() {
    assert!(elf::check(b"").is_err());
    assert!(elf::check(b"MZ, a library of another system").is_err());
    assert!(elf::check(&elf(&[])).unwrap_err().contains("no segment"));
    let mut other_order = aligned();
    other_order[5] = 2;
    assert!(elf::check(&other_order).is_err());
    let mut headers_elsewhere = aligned();
    headers_elsewhere[0x20..0x28].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(elf::check(&headers_elsewhere).is_err());
}

#[test]
fn a_library_cut_anywhere_fails() {
    let whole = aligned();
    for size in 0..whole.len() {
        assert!(elf::check(&whole[..size]).is_err(), "{size}");
    }
}

#[test]
fn a_32_bit_library_is_counted_and_not_judged() {
    let mut narrow = elf(&[(0, 0, 0x1000)]);
    narrow[4] = 1;
    assert_eq!(elf::check(&narrow), Ok(elf::Width::Narrow));
}

#[test]
fn libraries_are_found_in_archives_and_folders() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (aligned(), elf(&[(0, 0, 0x1000)]));
    let archive = zip(&[
        ("AndroidManifest.xml", b"<manifest/>"),
        ("jni/arm64-v8a/libcardea_ffi.so", &good),
        ("jni/x86_64/libcardea_ffi.so", &good),
        ("classes.jar", b"not looked into"),
    ]);
    fs::create_dir(folder.path().join("libs")).unwrap();
    fs::write(folder.path().join("libs/a.aar"), &archive).unwrap();
    fs::write(folder.path().join("libs/notes.txt"), "").unwrap();
    fs::write(folder.path().join("libz.so.1"), &good).unwrap();
    let found = check(folder.path()).unwrap();
    assert_eq!((found.aligned, found.narrow, found.wrong.len()), (3, 0, 0));
    assert!(found.verdict().is_ok());

    fs::write(folder.path().join("b.jar"), zip(&[("linux-x86-64/libx.so", &bad), ("y.so", &bad)])).unwrap();
    let found = check(folder.path()).unwrap();
    assert_eq!((found.aligned, found.wrong.len()), (3, 2));
    assert!(found.wrong[0].contains("b.jar!linux-x86-64/libx.so: segment 1"), "{:?}", found.wrong);
    assert!(found.verdict().is_err());
}

#[test]
fn nothing_to_look_at_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    assert!(check(folder.path()).unwrap().verdict().is_err());
    fs::write(folder.path().join("x.txt"), "").unwrap();
    assert!(check(&folder.path().join("x.txt")).is_err());
    assert!(check(&folder.path().join("gone.so")).is_err());
}

#[test]
fn a_damaged_archive_is_an_error_wherever_it_is_cut() {
    let whole = zip(&[("a.so", &aligned()), ("b.so", &aligned())]);
    for size in 0..whole.len() - 3 {
        assert!(zip::contents(&whole[..size], is_library).is_err(), "{size}");
    }
    let entry = whole.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    for (at, value) in [(entry + 8, 1), (entry + 10, 99), (entry + 24, 7), (entry + 42, 5)] {
        let mut damaged = whole.clone();
        damaged[at] = value;
        assert!(zip::contents(&damaged, is_library).is_err(), "{at}");
    }
}
