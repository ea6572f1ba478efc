//! Items as lines: `path: declaration`, without bodies, comments and what nobody outside can see.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, Fields, FnArg, Generics, ImplItem, Item, ItemImpl, ItemMacro, ItemTrait, Pat, Signature, TraitItem, Type,
};

use super::names::all;
use super::tidy;
use super::tree::{conditions_of, is_public_to_all};

/// The lines of an item that can be reached as `path`, under `conditions`.
pub(super) fn item(path: &str, conditions: &[String], item: &Item) -> Vec<String> {
    let mut lines = Lines { path, conditions, lines: Vec::new() };
    match item {
        Item::Const(item) => {
            let value = tidy::text(item.expr.to_token_stream());
            lines.own(&[], format!("pub const {}: {} = {value}", item.ident, shown(&item.ty)));
        }
        Item::Static(item) => lines.own(&[], format!("pub static {}: {}", item.ident, shown(&item.ty))),
        Item::Type(item) => {
            let (generics, bounds) = generics(&item.generics);
            lines.own(&[], format!("pub type {}{generics}{bounds} = {}", item.ident, shown(&item.ty)));
        }
        Item::Fn(item) => lines.own(&item.attrs, format!("pub {}", signature(&item.sig))),
        Item::Struct(item) => {
            let (generics, bounds) = generics(&item.generics);
            let head = format!("pub struct {}{generics}", item.ident);
            match &item.fields {
                Fields::Named(_) => {
                    let is_whole = item.fields.iter().all(|field| is_public_to_all(&field.vis));
                    lines.own(&item.attrs, format!("{head}{bounds} {}", if is_whole { "{}" } else { "{ .. }" }));
                }
                Fields::Unnamed(_) => {
                    let parts = item.fields.iter().map(|field| match is_public_to_all(&field.vis) {
                        true => format!("pub {}", shown(&field.ty)),
                        false => "_".to_owned(),
                    });
                    let parts: Vec<String> = parts.collect();
                    lines.own(&item.attrs, format!("{head}({}){bounds}", parts.join(", ")));
                }
                Fields::Unit => lines.own(&item.attrs, format!("{head}{bounds}")),
            }
            for field in item.fields.iter().filter(|field| is_public_to_all(&field.vis)) {
                if let (Some(name), Some(more)) = (&field.ident, conditions_of(&field.attrs)) {
                    lines.inner(&name.to_string(), &more, format!("pub {}", shown(&field.ty)));
                }
            }
            lines.derived(&item.attrs);
        }
        Item::Enum(item) => {
            let (generics, bounds) = generics(&item.generics);
            lines.own(&item.attrs, format!("pub enum {}{generics}{bounds}", item.ident));
            for variant in &item.variants {
                let Some(more) = conditions_of(&variant.attrs) else { continue };
                let mut bare = variant.clone();
                bare.attrs.retain(|attribute| attribute.path().is_ident("non_exhaustive"));
                for field in &mut bare.fields {
                    let attributes = std::mem::take(&mut field.attrs);
                    if attributes.iter().any(|attribute| attribute.path().is_ident("from")) {
                        lines.implements(&[], &format!("From<{}>", shown(&field.ty)));
                    }
                }
                lines.inner(&variant.ident.to_string(), &more, shown(&bare));
            }
            lines.derived(&item.attrs);
        }
        Item::Trait(item) => lines.of_trait(item),
        Item::Macro(call) => lines.own(&call.attrs, called(call)),
        _ => {}
    }
    lines.lines
}

/// The lines of an `impl` of what can be reached as `path`.
pub(super) fn implementation(path: &str, conditions: &[String], item: &ItemImpl) -> Vec<String> {
    let mut lines = Lines { path, conditions, lines: Vec::new() };
    let Some(own) = conditions_of(&item.attrs) else { return Vec::new() };
    let (generics, bounds) = generics(&item.generics);
    if let Some((implemented, _)) = &item.trait_ {
        let implemented = last_part(implemented);
        let types = item.items.iter().filter_map(|inner| match inner {
            ImplItem::Type(inner) => Some(format!("type {} = {};", inner.ident, shown(&inner.ty))),
            ImplItem::Const(inner) => {
                Some(format!("const {}: {} = {};", inner.ident, shown(&inner.ty), shown(&inner.expr)))
            }
            _ => None,
        });
        let types: Vec<String> = types.collect();
        let types = if types.is_empty() { String::new() } else { format!(" {{ {} }}", types.join(" ")) };
        let of = match &*item.self_ty {
            Type::Path(plain) if plain.path.get_ident().is_some() && generics.is_empty() => String::new(),
            other => format!(" for {}", shown(other)),
        };
        lines.own_if(&own, format!("impl{generics} {}{of}{bounds}{types}", shown(&implemented)));
        return lines.lines;
    }
    // Where the type has parameters, what holds of them.
    let of = match &*item.self_ty {
        Type::Path(of) => shown(&last_part(&of.path)),
        other => shown(other),
    };
    let head = match of.contains('<') || !generics.is_empty() || !bounds.is_empty() {
        true => format!("impl{generics} {of}{bounds}: "),
        false => String::new(),
    };
    for inner in &item.items {
        let (name, attributes, text) = match inner {
            ImplItem::Fn(inner) if is_public_to_all(&inner.vis) => {
                (&inner.sig.ident, &inner.attrs, format!("pub {}", signature(&inner.sig)))
            }
            ImplItem::Const(inner) if is_public_to_all(&inner.vis) => {
                let value = shown(&inner.expr);
                (&inner.ident, &inner.attrs, format!("pub const {}: {} = {value}", inner.ident, shown(&inner.ty)))
            }
            _ => continue,
        };
        if let Some(more) = conditions_of(attributes) {
            lines.inner(&name.to_string(), &all(&[&own, &more]), format!("{head}{text}"));
        }
    }
    lines.lines
}

/// A macro that is called where something public is: all that it makes, but the bodies of functions.
pub(super) fn rules(path: &str, rules: &ItemMacro) -> Option<String> {
    let name = rules.ident.as_ref()?;
    let text = tidy::text(without_bodies(rules.mac.tokens.clone()));
    Some(format!("{path}::{name}!: macro_rules! {name} {{ {text} }}"))
}

struct Lines<'a> {
    path: &'a str,
    conditions: &'a [String],
    lines: Vec<String>,
}

impl Lines<'_> {
    fn push(&mut self, name: Option<&str>, more: &[String], text: &str) {
        let conditions = all(&[self.conditions, more]);
        let conditions: String = conditions.iter().map(|condition| format!("#[cfg({condition})] ")).collect();
        let name = name.map_or_else(String::new, |name| format!("::{name}"));
        self.lines.push(format!("{}{name}: {conditions}{text}", self.path));
    }

    /// The item itself.
    fn own(&mut self, attributes: &[Attribute], text: String) {
        let is_open = attributes.iter().any(|attribute| attribute.path().is_ident("non_exhaustive"));
        self.push(None, &[], &if is_open { format!("#[non_exhaustive] {text}") } else { text });
    }

    fn own_if(&mut self, conditions: &[String], text: String) {
        self.push(None, conditions, &text);
    }

    /// Something in it.
    fn inner(&mut self, name: &str, conditions: &[String], text: String) {
        self.push(Some(name), conditions, &text);
    }

    fn implements(&mut self, conditions: &[String], what: &str) {
        self.push(None, conditions, &format!("impl {what}"));
    }

    /// What derives give, in the words of an `impl`: writing one by hand changes nothing for apps.
    fn derived(&mut self, attributes: &[Attribute]) {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
            let Ok(list) = attribute.meta.require_list() else { continue };
            for name in tidy::text(list.tokens.clone()).split(',') {
                match name.rsplit("::").next().unwrap_or_default().trim() {
                    // That of `thiserror`.
                    "Error" => {
                        self.implements(&[], "Display");
                        self.implements(&[], "Error");
                    }
                    "" => {}
                    name => self.implements(&[], name),
                }
            }
        }
    }

    fn of_trait(&mut self, item: &ItemTrait) {
        let (generics, bounds) = generics(&item.generics);
        let above = tidy::text(item.supertraits.to_token_stream());
        let above = if above.is_empty() { above } else { format!(": {above}") };
        self.own(&item.attrs, format!("pub trait {}{generics}{above}{bounds}", item.ident));
        for inner in &item.items {
            let (name, attributes, text) = match inner {
                TraitItem::Fn(inner) => {
                    let provided = if inner.default.is_some() { " { .. }" } else { "" };
                    (&inner.sig.ident, &inner.attrs, format!("{}{provided}", signature(&inner.sig)))
                }
                TraitItem::Const(inner) => {
                    let value =
                        inner.default.as_ref().map_or_else(String::new, |(_, value)| format!(" = {}", shown(value)));
                    (&inner.ident, &inner.attrs, format!("const {}: {}{value}", inner.ident, shown(&inner.ty)))
                }
                TraitItem::Type(inner) => {
                    let bounds = tidy::text(inner.bounds.to_token_stream());
                    let bounds = if bounds.is_empty() { bounds } else { format!(": {bounds}") };
                    (&inner.ident, &inner.attrs, format!("type {}{bounds}", inner.ident))
                }
                _ => continue,
            };
            if let Some(more) = conditions_of(attributes) {
                self.inner(&name.to_string(), &more, text);
            }
        }
    }
}

fn shown(part: &impl ToTokens) -> String {
    tidy::text(part.to_token_stream())
}

/// `fmt::Debug` is `Debug`, however it was imported.
fn last_part(path: &syn::Path) -> syn::Path {
    let last = path.segments.iter().last().cloned();
    syn::Path { leading_colon: None, segments: last.into_iter().collect() }
}

/// Without `mut` before names: whether a function changes its own copies is nobody's business.
fn signature(signature: &Signature) -> String {
    let mut signature = signature.clone();
    for argument in &mut signature.inputs {
        match argument {
            FnArg::Receiver(own) => own.mutability = None,
            FnArg::Typed(typed) => {
                if let Pat::Ident(name) = &mut *typed.pat {
                    name.mutability = None;
                }
            }
        }
    }
    shown(&signature)
}

/// The parameters, and what must hold of them with a space before it.
fn generics(generics: &Generics) -> (String, String) {
    let bounds = generics.where_clause.as_ref().map_or_else(String::new, |bounds| format!(" {}", shown(bounds)));
    (shown(generics), bounds)
}

fn called(call: &ItemMacro) -> String {
    format!("{}!({})", shown(&call.mac.path), tidy::text(without_bodies(call.mac.tokens.clone())))
}

/// Without comments, and without the block after the name and the arguments of each `fn`.
fn without_bodies(tokens: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    let mut is_function = false;
    for tree in tokens {
        match tree {
            TokenTree::Ident(word) => {
                is_function |= word == "fn";
                kept.push(word.into());
            }
            TokenTree::Group(group) if is_function && group.delimiter() == Delimiter::Brace => is_function = false,
            TokenTree::Group(group) if is_comment(&group) => drop(kept.pop_if(|sign| is_sign(sign, '#'))),
            TokenTree::Group(group) => {
                kept.push(Group::new(group.delimiter(), without_bodies(group.stream())).into());
            }
            other => kept.push(other),
        }
    }
    kept.into_iter().collect()
}

fn is_comment(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    let is_doc = first.is_some_and(|tree| matches!(tree, TokenTree::Ident(word) if word == "doc"));
    is_doc && group.delimiter() == Delimiter::Bracket
}

fn is_sign(tree: &TokenTree, wanted: char) -> bool {
    matches!(tree, TokenTree::Punct(sign) if sign.as_char() == wanted)
}
