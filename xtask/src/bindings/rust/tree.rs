//! The modules of a crate, read from its files.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use quote::ToTokens as _;
use syn::{Attribute, Item, UseTree, Visibility};

use super::tidy;

/// A module.
pub(super) struct Module {
    pub(super) name: String,
    pub(super) parent: Option<usize>,
    pub(super) is_public: bool,
    /// Conditions under which it is there, those of its parents among them.
    pub(super) conditions: Vec<String>,
    /// What is in it, but modules, tests and imports.
    pub(super) items: Vec<Item>,
    pub(super) imports: Vec<Import>,
    pub(super) modules: Vec<usize>,
}

/// One name of a `use`.
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// What it is called here; none for `*`.
    pub(super) name: Option<String>,
    pub(super) is_public: bool,
    pub(super) conditions: Vec<String>,
}

/// A crate. The first module is its root.
pub(super) struct Crate(pub(super) Vec<Module>);

impl Crate {
    /// Reads the crate whose sources are in `sources`.
    pub(super) fn read(name: &str, sources: &Path) -> Result<Self> {
        let mut read = Self(Vec::new());
        let items = parse(&sources.join("lib.rs"))?;
        read.add(name.to_owned(), None, true, Vec::new(), items, Some(sources))?;
        Ok(read)
    }

    /// Reads a crate of one file.
    #[cfg(test)]
    pub(super) fn of(name: &str, text: &str) -> Result<Self> {
        let mut read = Self(Vec::new());
        read.add(name.to_owned(), None, true, Vec::new(), syn::parse_file(text)?.items, None)?;
        Ok(read)
    }

    fn add(
        &mut self,
        name: String,
        parent: Option<usize>,
        is_public: bool,
        conditions: Vec<String>,
        items: Vec<Item>,
        folder: Option<&Path>,
    ) -> Result<usize> {
        let own = self.0.len();
        let (mut kept, mut modules, mut imports) = (Vec::new(), Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Mod(module) => modules.push(module),
                Item::Use(item) => {
                    if let Some(conditions) = conditions_of(&item.attrs) {
                        let is_public = is_public_to_all(&item.vis);
                        flatten(&item.tree, &mut Vec::new(), &mut |path, name| {
                            imports.push(Import { path, name, is_public, conditions: conditions.clone() });
                        });
                    }
                }
                item => kept.push(item),
            }
        }
        self.0.push(Module { name, parent, is_public, conditions, items: kept, imports, modules: Vec::new() });
        for module in modules {
            let Some(more) = conditions_of(&module.attrs) else { continue };
            let name = module.ident.to_string();
            let (items, folder) = match (module.content, folder) {
                (Some((_, items)), folder) => (items, folder.map(|folder| folder.join(&name))),
                (None, Some(folder)) => (parse(&folder.join(format!("{name}.rs")))?, Some(folder.join(&name))),
                (None, None) => bail!("mod {name} is in another file"),
            };
            let mut conditions = self.0[own].conditions.clone();
            conditions.extend(more);
            let is_public = is_public_to_all(&module.vis);
            let module = self.add(name, Some(own), is_public, conditions, items, folder.as_deref())?;
            self.0[own].modules.push(module);
        }
        Ok(own)
    }
}

fn parse(file: &Path) -> Result<Vec<Item>> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(syn::parse_file(&text).with_context(|| format!("{} is not Rust", file.display()))?.items)
}

fn flatten(tree: &UseTree, path: &mut Vec<String>, found: &mut impl FnMut(Vec<String>, Option<String>)) {
    let with = |path: &[String], last: &syn::Ident| [path, &[last.to_string()]].concat();
    match tree {
        UseTree::Path(part) => {
            path.push(part.ident.to_string());
            flatten(&part.tree, path, found);
            path.pop();
        }
        // `use a::{self}` is `a`.
        UseTree::Name(last) if last.ident == "self" => found(path.clone(), path.last().cloned()),
        UseTree::Name(last) => found(with(path, &last.ident), Some(last.ident.to_string())),
        UseTree::Rename(last) if last.ident == "self" => found(path.clone(), Some(last.rename.to_string())),
        UseTree::Rename(last) => found(with(path, &last.ident), Some(last.rename.to_string())),
        UseTree::Glob(_) => found(path.clone(), None),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, path, found)),
    }
}

pub(super) fn is_public_to_all(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The conditions of `#[cfg(..)]`; none for what is only there in tests, or hidden on purpose.
pub(super) fn conditions_of(attributes: &[Attribute]) -> Option<Vec<String>> {
    let mut conditions = Vec::new();
    for attribute in attributes {
        let content = || attribute.meta.require_list().ok().map(|list| tidy::text(list.tokens.to_token_stream()));
        if attribute.path().is_ident("cfg") {
            match content()?.as_str() {
                "test" | "doctest" => return None,
                condition => conditions.push(condition.to_owned()),
            }
        } else if attribute.path().is_ident("doc") && content().is_some_and(|content| content == "hidden") {
            return None;
        }
    }
    Some(conditions)
}
