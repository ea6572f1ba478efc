//! What is public in the Rust crates that apps build on: `sdk/api/*.txt`, a line for each item.
//!
//! It is read from the sources. Compilers can say it too, but only unstable ones, in a form that changes with each of
//! them (`docs/adr/0026-public-rust-names-from-the-sources.md`).

mod names;
mod print;
mod tidy;
mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use syn::{Item, ItemImpl, Type};

use super::changes::changes;
use names::{Id, Meaning, Reached};
use tree::Crate;

/// Where the committed lists are.
pub(super) const FOLDER: &str = "sdk/api";
/// The crates, and where their sources are.
const CRATES: [(&str, &str); 2] = [("cardea_protocol", "protocol-spec/src"), ("cardea_sdk", "sdk/src")];

/// Writes the lists anew. Returns how many lines there are.
pub(super) fn record(root: &Path) -> Result<usize> {
    let mut lines = 0;
    fs::create_dir_all(root.join(FOLDER)).with_context(|| format!("cannot create {FOLDER}"))?;
    for (name, sources) in CRATES {
        let (file, list) = (file_of(name), list(&root.join(sources), name)?);
        fs::write(root.join(&file), &list).with_context(|| format!("cannot write {file}"))?;
        lines += list.lines().count();
    }
    Ok(lines)
}

/// Fails when a list is not the committed one. Returns how many lines there are.
pub(super) fn check(root: &Path) -> Result<usize> {
    let mut lines = 0;
    for (name, sources) in CRATES {
        let file = file_of(name);
        let committed = fs::read_to_string(root.join(&file)).unwrap_or_default();
        let given = list(&root.join(sources), name)?;
        if let Some(changes) = changes(&committed, &given) {
            bail!(
                "{file} is not what {name} has:\n{changes}then run cargo xtask bindings --sources and commit what it wrote"
            );
        }
        lines += given.lines().count();
    }
    Ok(lines)
}

fn file_of(name: &str) -> String {
    format!("{FOLDER}/{}.txt", name.replace('_', "-"))
}

fn list(sources: &Path, name: &str) -> Result<String> {
    let list = lines(&Crate::read(name, sources)?);
    if list.is_empty() {
        bail!("{name} has nothing public");
    }
    Ok(list.into_iter().map(|line| line + "\n").collect())
}

/// All lines of a crate, in order.
fn lines(read: &Crate) -> BTreeSet<String> {
    let reached = read.reached();
    let mut lines = BTreeSet::new();
    for (id, ways) in &reached.items {
        let Some((first, others)) = ways.split_first() else { continue };
        lines.extend(print::item(&first.name, &first.conditions, &read.0[id.0].items[id.1]));
        for other in others {
            lines.insert(format!("{}: pub use {}", other.name, first.name));
        }
    }
    for (way, path) in &reached.foreign {
        let conditions: String = way.conditions.iter().map(|condition| format!("#[cfg({condition})] ")).collect();
        lines.insert(format!("{}: {conditions}pub use {}", way.name, path.join("::")));
    }
    for (at, module) in read.0.iter().enumerate() {
        for item in &module.items {
            match item {
                Item::Impl(item) => lines.extend(implementation(read, &reached, at, item)),
                Item::Macro(rules) if is_called(read, &reached, at, rules) => {
                    lines.extend(print::rules(&read.0[0].name, rules));
                }
                _ => {}
            }
        }
    }
    lines
}

/// The lines of an `impl`, if what it is of can be reached, and what it implements.
fn implementation(read: &Crate, reached: &Reached, module: usize, item: &ItemImpl) -> Vec<String> {
    let way = |id: Id| reached.items.get(&id).and_then(|ways| ways.first());
    let implemented = item.trait_.as_ref().map(|(path, _)| read.meaning(module, &segments(path)));
    if let Some(Meaning::Item(id)) = implemented
        && way(id).is_none()
    {
        return Vec::new();
    }
    let mut of = &*item.self_ty;
    while let Type::Reference(reference) = of {
        of = &reference.elem;
    }
    let own = match of {
        Type::Path(path) => Some(read.meaning(module, &segments(&path.path))),
        _ => None,
    };
    let way = match (own, implemented) {
        (Some(Meaning::Item(id)), _) => way(id),
        // For types of others and of all kinds: it belongs to the trait.
        (_, Some(Meaning::Item(id))) => way(id),
        _ => None,
    };
    let conditions = |way: &names::Way| names::all(&[&way.conditions, &read.0[module].conditions]);
    way.map_or_else(Vec::new, |way| print::implementation(&way.name, &conditions(way), item))
}

fn segments(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

/// Whether something that can be reached is made by this macro.
fn is_called(read: &Crate, reached: &Reached, module: usize, rules: &syn::ItemMacro) -> bool {
    let Some(name) = &rules.ident else { return false };
    reached.items.keys().any(|(other, at)| {
        let call = &read.0[*other].items[*at];
        *other == module && matches!(call, Item::Macro(call) if call.mac.path.is_ident(name))
    })
}

#[cfg(test)]
mod tests;
