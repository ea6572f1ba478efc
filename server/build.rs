//! Packs what `/docs` serves: the API's description with what `cargo xtask docs` made from it, and Swagger UI as it was
//! published. Everything becomes a gzip file, because browsers take those as they are.

use std::path::Path;
use std::{env, fs};

use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

/// Our own files, from the folder of this crate.
const OWN: [&str; 4] = [
    "../docs/api/openapi.yaml",
    "src/http/docs/generated/openapi.json",
    "src/http/docs/generated/insomnia.json",
    "src/http/docs/generated/reference.pdf",
];
/// Files of Swagger UI, within its archive's only folder.
const SWAGGER_UI: [&str; 5] =
    ["dist/swagger-ui-bundle.js", "dist/swagger-ui.css", "dist/favicon-32x32.png", "LICENSE", "NOTICE"];

fn main() {
    let out = env::var_os("OUT_DIR").expect("cargo tells build scripts where to write");
    let out = Path::new(&out).join("docs");
    fs::create_dir_all(&out).expect("the folder for build results can be written");
    let write = |name: &str, bytes: &[u8]| {
        let name = format!("{}.gz", name.rsplit('/').next().unwrap_or(name));
        fs::write(out.join(name), bytes).expect("the folder for build results can be written");
    };
    println!("cargo::rerun-if-changed=build.rs");
    for file in OWN {
        println!("cargo::rerun-if-changed={file}");
        let bytes = fs::read(file).unwrap_or_else(|error| panic!("{file}: {error}; cargo xtask docs makes it"));
        write(file, &gzip(&Member::pack(&bytes)));
    }
    for name in SWAGGER_UI {
        let member = Member::find(SWAGGER_UI_VENDORED, name).unwrap_or_else(|| panic!("Swagger UI has no {name}"));
        write(name, &gzip(&member));
    }
}

/// A file in the form that ZIP and gzip have in common.
struct Member {
    deflated: Vec<u8>,
    crc: [u8; 4],
    length: [u8; 4],
}

impl Member {
    fn pack(bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).expect("a file of the project is far below 4 GiB");
        Self {
            deflated: miniz_oxide::deflate::compress_to_vec(bytes, 9),
            crc: crc32(bytes).to_le_bytes(),
            length: length.to_le_bytes(),
        }
    }

    /// The file `<folder>/<name>` of a ZIP archive; none when it is not there, or packed in another way.
    fn find(archive: &[u8], name: &str) -> Option<Self> {
        let end = archive.windows(4).rposition(|window| window == b"PK\x05\x06")?;
        let mut at = number(archive, end + 16, 4)?;
        while archive.get(at..at + 4)? == b"PK\x01\x02" {
            let [method, packed] = [number(archive, at + 10, 2)?, number(archive, at + 20, 4)?];
            let [names, extra, comment] =
                [number(archive, at + 28, 2)?, number(archive, at + 30, 2)?, number(archive, at + 32, 2)?];
            let full = archive.get(at + 46..at + 46 + names)?;
            if full.split(|byte| *byte == b'/').skip(1).eq(name.as_bytes().split(|byte| *byte == b'/')) {
                let header = number(archive, at + 42, 4)?;
                let start = header + 30 + number(archive, header + 26, 2)? + number(archive, header + 28, 2)?;
                let data = archive.get(start..start + packed)?;
                return match method {
                    0 => Some(Self::pack(data)),
                    8 => Some(Self {
                        deflated: data.to_vec(),
                        crc: archive.get(at + 16..at + 20)?.try_into().ok()?,
                        length: archive.get(at + 24..at + 28)?.try_into().ok()?,
                    }),
                    _ => None,
                };
            }
            at += 46 + names + extra + comment;
        }
        None
    }
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    bytes.get(at..at + length).map(|bytes| bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

fn gzip(member: &Member) -> Vec<u8> {
    // Deflate, no flags, no time, no operating system: the same input is the same file.
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [&head[..], &member.deflated, &member.crc, &member.length].concat()
}

/// The checksum of ZIP and gzip.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
