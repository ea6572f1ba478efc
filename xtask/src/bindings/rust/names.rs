//! Which item a name means, and under which names items can be reached from outside.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::Item;

use super::tree::{Crate, conditions_of, is_public_to_all};

/// Imports that lead to imports, at most: more are a circle.
const DEPTH_MAX: usize = 16;

/// An item: its module, and its place there.
pub(super) type Id = (usize, usize);

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    Module(usize),
    Item(Id),
    /// Something of another crate.
    Foreign(Vec<String>),
}

/// A name under which something can be reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    /// How many parts it has: of several ways the shortest counts.
    length: usize,
    pub(super) name: String,
    pub(super) conditions: Vec<String>,
}

/// All that can be reached.
#[derive(Default)]
pub(super) struct Reached {
    /// Each item, and the ways to it.
    pub(super) items: BTreeMap<Id, Vec<Way>>,
    /// What other crates have, under names of ours.
    pub(super) foreign: Vec<(Way, Vec<String>)>,
}

impl Crate {
    /// What a path means that stands in `module`.
    pub(super) fn meaning(&self, module: usize, path: &[String]) -> Meaning {
        self.follow(module, path, 0).unwrap_or_else(|| Meaning::Foreign(path.to_vec()))
    }

    fn follow(&self, module: usize, path: &[String], depth: usize) -> Option<Meaning> {
        let (first, mut rest) = path.split_first()?;
        if depth > DEPTH_MAX {
            return None;
        }
        let mut meaning = match &**first {
            "crate" => Meaning::Module(0),
            "self" => Meaning::Module(module),
            "super" => Meaning::Module(self.0[module].parent?),
            name => self.find(module, name, depth)?,
        };
        while let Some((next, after)) = rest.split_first() {
            meaning = match meaning {
                Meaning::Module(inner) if next == "super" => Meaning::Module(self.0[inner].parent?),
                Meaning::Module(inner) => self.find(inner, next, depth)?,
                // A variant, or something that belongs to a trait.
                Meaning::Item(id) => return Some(Meaning::Item(id)),
                Meaning::Foreign(path) => return Some(Meaning::Foreign([&path[..], rest].concat())),
            };
            rest = after;
        }
        // A function may have the name of the module that it is in.
        Some(meaning)
    }

    fn find(&self, module: usize, name: &str, depth: usize) -> Option<Meaning> {
        let here = &self.0[module];
        if let Some(inner) = here.modules.iter().find(|inner| self.0[**inner].name == name) {
            return Some(Meaning::Module(*inner));
        }
        let is_it = |item: &Item| name_of(item).is_some_and(|own| own == name);
        if let Some(at) = here.items.iter().position(is_it) {
            return Some(Meaning::Item((module, at)));
        }
        if let Some(import) = here.imports.iter().find(|import| import.name.as_deref() == Some(name)) {
            let meaning = self.follow(module, &import.path, depth + 1);
            return Some(meaning.unwrap_or_else(|| Meaning::Foreign(import.path.clone())));
        }
        let made = |item: &Item| matches!(item, Item::Macro(call) if call.ident.is_none() && makes(here, call, name));
        if let Some(at) = here.items.iter().position(made) {
            return Some(Meaning::Item((module, at)));
        }
        let globs = here.imports.iter().filter(|import| import.name.is_none());
        globs.into_iter().find_map(|glob| match self.follow(module, &glob.path, depth + 1)? {
            Meaning::Module(inner) if inner != module => self.find(inner, name, depth + 1),
            _ => None,
        })
    }

    /// Everything that other crates can name.
    pub(super) fn reached(&self) -> Reached {
        let mut reached = Reached::default();
        self.reach(0, &self.0[0].name, &[], 0, &mut reached);
        for ways in reached.items.values_mut() {
            ways.sort();
            ways.dedup();
        }
        reached
    }

    fn reach(&self, module: usize, prefix: &str, on_the_way: &[String], depth: usize, reached: &mut Reached) {
        if depth > DEPTH_MAX {
            return;
        }
        let here = &self.0[module];
        let way = |name: &str, more: &[String]| Way {
            length: prefix.matches("::").count() + 1,
            name: format!("{prefix}::{name}"),
            conditions: all(&[&here.conditions, on_the_way, more]),
        };
        for (at, item) in here.items.iter().enumerate() {
            if is_public(item)
                && let (Some(name), Some(conditions)) = (shown_name(item), own_conditions(item))
            {
                reached.items.entry((module, at)).or_default().push(way(&name, &conditions));
            }
        }
        for import in here.imports.iter().filter(|import| import.is_public) {
            let conditions = all(&[on_the_way, &import.conditions]);
            match (self.meaning(module, &import.path), &import.name) {
                (Meaning::Module(inner), Some(name)) => {
                    self.reach(inner, &format!("{prefix}::{name}"), &conditions, depth + 1, reached);
                }
                (Meaning::Module(inner), None) => self.reach(inner, prefix, &conditions, depth + 1, reached),
                (Meaning::Item(id), Some(name)) => {
                    let more = all(&[&import.conditions, &self.0[id.0].conditions]);
                    reached.items.entry(id).or_default().push(way(name, &more));
                }
                (Meaning::Foreign(path), name) => {
                    let name = name.as_deref().unwrap_or("*");
                    reached.foreign.push((way(name, &import.conditions), path));
                }
                (Meaning::Item(_), None) => {}
            }
        }
        for inner in here.modules.iter().filter(|inner| self.0[**inner].is_public) {
            let name = format!("{prefix}::{}", self.0[*inner].name);
            self.reach(*inner, &name, on_the_way, depth + 1, reached);
        }
    }
}

/// Each condition once, in order.
pub(super) fn all(lists: &[&[String]]) -> Vec<String> {
    let mut conditions: Vec<String> = lists.concat();
    conditions.sort();
    conditions.dedup();
    conditions
}

fn is_public(item: &Item) -> bool {
    match item {
        Item::Const(item) => is_public_to_all(&item.vis),
        Item::Enum(item) => is_public_to_all(&item.vis),
        Item::Fn(item) => is_public_to_all(&item.vis),
        Item::Static(item) => is_public_to_all(&item.vis),
        Item::Struct(item) => is_public_to_all(&item.vis),
        Item::Trait(item) => is_public_to_all(&item.vis),
        Item::Type(item) => is_public_to_all(&item.vis),
        Item::Union(item) => is_public_to_all(&item.vis),
        // What a macro makes may be public.
        Item::Macro(item) => item.ident.is_none(),
        _ => false,
    }
}

fn own_conditions(item: &Item) -> Option<Vec<String>> {
    conditions_of(match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        _ => return None,
    })
}

/// The name of an item that paths may lead to.
fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// The same, and for a call of a macro what the call begins with: normally a name too.
fn shown_name(item: &Item) -> Option<String> {
    let Item::Macro(call) = item else { return name_of(item) };
    let first = call.mac.tokens.clone().into_iter().find_map(|tree| match tree {
        TokenTree::Ident(name) => Some(name.to_string()),
        _ => None,
    });
    Some(first.unwrap_or_else(|| "_".to_owned()))
}

/// Whether a call of a macro makes `name`: it is among the arguments, or in what the macro is made of.
fn makes(module: &super::tree::Module, call: &syn::ItemMacro, name: &str) -> bool {
    let macros = module.items.iter().filter_map(|item| match item {
        Item::Macro(rules) => {
            Some(rules).filter(|rules| rules.ident.as_ref().is_some_and(|own| call.mac.path.is_ident(own)))
        }
        _ => None,
    });
    contains(call.mac.tokens.clone(), name) || macros.into_iter().any(|rules| defines(rules.mac.tokens.clone(), name))
}

fn contains(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(own) => own == name,
        TokenTree::Group(group) => contains(group.stream(), name),
        _ => false,
    })
}

/// Whether `struct name`, `enum name` or the like is in it.
fn defines(tokens: TokenStream, name: &str) -> bool {
    let mut is_next = false;
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => {
            let found = is_next && word == name;
            is_next = ["struct", "enum", "trait", "fn", "type", "const"].iter().any(|kind| word == kind);
            found
        }
        TokenTree::Group(group) => defines(group.stream(), name),
        _ => false,
    })
}
