//! How large the bindings library is as phones get it: without any feature, and with each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::bindings::{self, Language};
use crate::library;
use crate::process;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// What was measured last, beside the library's sources.
const RECORD: &str = "ffi/code_size.json";
/// Where the numbers are comparable.
const TARGET: &str = "x86_64-unknown-linux-gnu";
const LEAN: &str = "lean";
/// Most bytes of the library without any feature, stripped.
const LEAN_MAX: u64 = 900_000;
/// How far a size may be from the recorded one, in percent.
const TOLERANCE: u64 = 5;

/// Uses the library as a phone does, with bindings that were generated from another build of it.
const SMOKE: &str = "
import asyncio, sys, cardea_ffi as ffi

async def main():
    wallet = await ffi.open_wallet(ffi.WalletOptions(), ffi.Host())
    assert await wallet.tokens() == []
    try:
        await wallet.token('0' * 32 + '-' + '0' * 8)
    except ffi.CardeaError as error:
        assert error.number() == 104, error.explanation()
    # A link of the published vectors; nobody listens there.
    link = ffi.Invitation.from_text('http://localhost:8420/e#' + sys.argv[1])
    try:
        await wallet.policy(link)
    except ffi.CardeaError as error:
        assert error.number() == 102, error.explanation()
        print('works')

asyncio.run(main())
";
const LINK: &str = "AciAAQIDBAUGB8DAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl7lIAlsb2NhbGhvc3Q";

/// The size of a stripped library.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Size {
    bytes: u64,
    /// Compressed, as it travels to phones.
    gzip: u64,
}

/// Sizes by what is in the library: `lean`, a feature beside that, or `all`.
type Sizes = BTreeMap<String, Size>;

/// Builds and measures each variant, and compares with the record; with `record`, writes it.
pub(super) fn measure(workspace: &Workspace, report: &mut Report, record: bool) -> Result<()> {
    let before: Sizes = match fs::read_to_string(workspace.root.join(RECORD)) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("cannot read {RECORD}"))?,
        Err(_) => Sizes::new(),
    };
    let comparable = library::host(workspace)? == TARGET;
    let mut now = Sizes::new();
    for variant in variants(workspace)? {
        report.part(&format!("size {variant}"), || {
            let library = build(workspace, &variant)?;
            let size = measured(&library)?;
            if variant == LEAN {
                use_it(workspace, &library)?;
            }
            now.insert(variant.clone(), size);
            let over = now.get(LEAN).map_or(0, |lean| size.bytes.saturating_sub(lean.bytes));
            let text = match over {
                0 => format!("{} bytes, {} compressed", size.bytes, size.gzip),
                over => format!("{} bytes, {} compressed; {over} more than {LEAN}", size.bytes, size.gzip),
            };
            if comparable && !record {
                judge(&variant, size, before.get(&variant).copied())?;
            }
            Outcome::passed(text)
        });
    }
    if record {
        ensure!(comparable, "sizes are recorded on {TARGET}");
        let text = serde_json::to_string_pretty(&now)? + "\n";
        fs::write(workspace.root.join(RECORD), text).with_context(|| format!("cannot write {RECORD}"))?;
    }
    Ok(())
}

fn judge(variant: &str, now: Size, before: Option<Size>) -> Result<()> {
    if variant == LEAN {
        ensure!(now.bytes <= LEAN_MAX, "{} bytes; at most {LEAN_MAX} are required", now.bytes);
    }
    let hint = "if that is right, run `cargo xtask bench sdk --record`";
    let Some(before) = before else { bail!("{variant} is not in {RECORD}; {hint}") };
    if now.bytes.abs_diff(before.bytes) * 100 > before.bytes * TOLERANCE {
        bail!("{} bytes; {RECORD} has {}, more than {TOLERANCE} % away; {hint}", now.bytes, before.bytes);
    }
    Ok(())
}

fn variants(workspace: &Workspace) -> Result<Vec<String>> {
    let package = workspace.crates.iter().find(|package| package.name == library::CRATE);
    let features = &package.with_context(|| format!("no crate is named {}", library::CRATE))?.features;
    let names = features.keys().map(String::as_str).filter(|name| !matches!(*name, "default" | "all"));
    Ok(std::iter::once(LEAN).chain(names).chain(["all"]).map(str::to_owned).collect())
}

fn build(workspace: &Workspace, variant: &str) -> Result<PathBuf> {
    let log = workspace.log(&format!("size-{variant}"));
    library::build_for_phones(workspace, if variant == LEAN { "" } else { variant }, &log)
}

/// Has Python use the library, with bindings that were generated from another build.
fn use_it(workspace: &Workspace, library: &Path) -> Result<()> {
    let mut generator = process::cargo(&workspace.root);
    generator.args(["build", "--quiet", "--locked", "-p", "cardea-bindgen"]);
    let log = workspace.log("size-use");
    process::logged(&mut generator, &log)?;
    let folder = workspace.target().join("xtask/phones");
    bindings::generate_from(workspace, &bindings::lean(workspace)?, Language::Python, &folder)?;
    fs::copy(library, folder.join(bindings::library_name())).context("cannot copy the library")?;
    let mut python = Command::new("python3");
    let said = process::logged(python.current_dir(&folder).args(["-c", SMOKE, LINK]), &log)?;
    ensure!(said.trim() == "works", "the library that phones get said: {said}");
    Ok(())
}

fn measured(library: &Path) -> Result<Size> {
    let bytes = fs::read(library).with_context(|| format!("cannot read {}", library.display()))?;
    // A gzip file has eighteen bytes around the compressed ones.
    let gzip = miniz_oxide::deflate::compress_to_vec(&bytes, 9).len() + 18;
    Ok(Size { bytes: bytes.len().try_into()?, gzip: gzip.try_into()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(variant: &str, bytes: u64, before: Option<u64>) -> bool {
        let size = |bytes| Size { bytes, gzip: bytes / 2 };
        judge(variant, size(bytes), before.map(size)).is_ok()
    }

    #[test]
    fn a_size_may_be_five_percent_off_the_record() {
        assert!(verdict("all", 1_050, Some(1_000)) && verdict("all", 950, Some(1_000)));
        assert!(!verdict("all", 1_051, Some(1_000)) && !verdict("all", 949, Some(1_000)));
        assert!(!verdict("all", 1_000, None));
    }

    #[test]
    fn the_lean_library_has_a_limit_whatever_the_record_says() {
        assert!(verdict(LEAN, LEAN_MAX, Some(LEAN_MAX)));
        assert!(!verdict(LEAN, LEAN_MAX + 1, Some(LEAN_MAX)));
        assert!(verdict("keyring", LEAN_MAX + 1, Some(LEAN_MAX)));
    }

    #[test]
    fn what_is_on_record_are_sizes_of_variants_and_a_feature_adds_something() {
        let workspace = Workspace::load().unwrap();
        let sizes: Sizes = serde_json::from_str(&fs::read_to_string(workspace.root.join(RECORD)).unwrap()).unwrap();
        let variants = variants(&workspace).unwrap();
        assert!(sizes.keys().all(|name| variants.contains(name)));
        assert!(sizes.iter().all(|(name, size)| name == LEAN || size.bytes > sizes[LEAN].bytes));
        assert!(sizes.values().all(|size| size.gzip < size.bytes));
    }
}
