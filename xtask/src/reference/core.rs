//! What UniFFI exports, read from the Rust sources of the bindings, in the spelling of a language.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use quote::ToTokens as _;
use syn::{Attribute, Expr, Fields, FnArg, GenericArgument, ImplItem, Item, Lit, Meta, Pat, PathArguments, ReturnType};
use syn::{Signature, TraitItem, Type};

use super::{Entry, files};
use crate::bindings::Language;

/// The exported items of all files.
pub(super) struct Core(Vec<Item>);

impl Core {
    /// Reads all files of `folder`.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut items = Vec::new();
        for file in files(folder, "rs")? {
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            items.extend(syn::parse_file(&text).with_context(|| format!("{} is not Rust", file.display()))?.items);
        }
        Ok(Self(items))
    }

    /// What is exported under a name that is `wanted`: first what can be made and called, then what is passed.
    pub(super) fn entries(&self, language: Language, wanted: impl Fn(&str) -> bool) -> Vec<Entry> {
        let mut entries = Vec::new();
        for item in &self.0 {
            match item {
                Item::Struct(item)
                    if wanted(&item.ident.to_string()) && derives(&item.attrs, &["Object", "Record"]) =>
                {
                    let name = item.ident.to_string();
                    let kind = if language == Language::Python { "class" } else { "struct" };
                    let kind = if derives(&item.attrs, &["Object"]) { "class" } else { kind };
                    entries.push(entry(0, format!("{kind} {name}"), &item.attrs));
                    for field in item.fields.iter().filter(|_| derives(&item.attrs, &["Record"])) {
                        let Some(name) = &field.ident else { continue };
                        let declaration = match language {
                            Language::Swift => {
                                format!("var {}: {}", camel(&name.to_string()), spelled(&field.ty, language))
                            }
                            _ => format!("{name}: {}", spelled(&field.ty, language)),
                        };
                        entries.push(entry(1, declaration, &field.attrs));
                    }
                    self.add_methods(&name, language, &mut entries);
                }
                Item::Enum(item) if wanted(&item.ident.to_string()) && derives(&item.attrs, &["Enum", "Error"]) => {
                    let kind = if language == Language::Python { "class" } else { "enum" };
                    entries.push(entry(0, format!("{kind} {}", item.ident), &item.attrs));
                    for variant in &item.variants {
                        let declaration = variant_in(language, &variant.ident.to_string(), &variant.fields);
                        entries.push(entry(1, declaration, &variant.attrs));
                    }
                    self.add_methods(&item.ident.to_string(), language, &mut entries);
                }
                Item::Trait(item) if wanted(&item.ident.to_string()) && is_exported(&item.attrs) => {
                    let kind = if language == Language::Python { "class" } else { "protocol" };
                    entries.push(entry(0, format!("{kind} {}", item.ident), &item.attrs));
                    for inner in &item.items {
                        if let TraitItem::Fn(inner) = inner {
                            entries.push(entry(1, function(language, &inner.sig, &inner.attrs, ""), &inner.attrs));
                        }
                    }
                }
                Item::Fn(item) if wanted(&item.sig.ident.to_string()) && is_exported(&item.attrs) => {
                    entries.push(entry(0, function(language, &item.sig, &item.attrs, ""), &item.attrs));
                }
                _ => {}
            }
        }
        entries
    }

    fn add_methods(&self, of: &str, language: Language, entries: &mut Vec<Entry>) {
        let blocks = self.0.iter().filter_map(|item| match item {
            Item::Impl(item) if item.trait_.is_none() && is_exported(&item.attrs) => Some(item),
            _ => None,
        });
        for block in blocks.filter(|block| block.self_ty.to_token_stream().to_string() == of) {
            for inner in &block.items {
                if let ImplItem::Fn(inner) = inner {
                    entries.push(entry(1, function(language, &inner.sig, &inner.attrs, of), &inner.attrs));
                }
            }
        }
    }
}

fn entry(depth: usize, declaration: String, attributes: &[Attribute]) -> Entry {
    Entry { depth, declaration, text: comment(attributes) }
}

/// The comment, without the form of links within Rust, and with its last chapter as a sentence.
fn comment(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        let Meta::NameValue(comment) = &attribute.meta else { continue };
        let Expr::Lit(line) = &comment.value else { continue };
        let (true, Lit::Str(line)) = (comment.path.is_ident("doc"), &line.lit) else { continue };
        let line = line.value();
        let line = line.trim();
        if line.is_empty() {
            text.push_str("\n\n");
        } else if let Some(chapter) = line.strip_prefix("# ") {
            text.push_str(chapter);
            text.push(':');
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text.replace("[`", "`").replace("`]", "`").replace("Self::", "").trim().to_owned()
}

fn is_exported(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().to_token_stream().to_string().replace(' ', "") == "uniffi::export")
}

fn derives(attributes: &[Attribute], wanted: &[&str]) -> bool {
    let lists = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    let lists = lists.map(|list| list.meta.to_token_stream().to_string().replace(' ', ""));
    lists.into_iter().any(|list| wanted.iter().any(|kind| list.contains(&format!("uniffi::{kind}"))))
}

fn variant_in(language: Language, name: &str, fields: &Fields) -> String {
    let name = if language == Language::Swift { lower_first(name) } else { upper_snake(name) };
    let parts = fields.iter().map(|field| match &field.ident {
        Some(name) if language == Language::Swift => {
            format!("{}: {}", camel(&name.to_string()), spelled(&field.ty, language))
        }
        Some(name) => format!("{name}: {}", spelled(&field.ty, language)),
        None => spelled(&field.ty, language),
    });
    let parts: Vec<String> = parts.collect();
    let parts = if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) };
    if language == Language::Swift { format!("case {name}{parts}") } else { format!("{name}{parts}") }
}

fn function(language: Language, signature: &Signature, attributes: &[Attribute], of: &str) -> String {
    let name = signature.ident.to_string();
    let defaults = defaults(attributes);
    let arguments = signature.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    });
    let arguments = arguments.map(|argument| {
        let name = match &*argument.pat {
            Pat::Ident(name) => name.ident.to_string(),
            other => other.to_token_stream().to_string(),
        };
        let default = defaults.iter().find(|(of, _)| *of == name).map(|(_, value)| default_in(language, value));
        let name = if language == Language::Swift { camel(&name) } else { name };
        format!("{name}: {}{}", spelled(&argument.ty, language), default.unwrap_or_default())
    });
    let arguments: Vec<String> = arguments.collect();
    let arguments = arguments.join(", ");
    let (given, fails) = match &signature.output {
        ReturnType::Default => (None, false),
        ReturnType::Type(_, given) => match inner(given, "Result") {
            Some(good) => (Some(good), true),
            None => (Some(&**given), false),
        },
    };
    let given = given.map(|given| spelled(given, language).replace("Self", of)).filter(|given| !is_nothing(given));
    let is_made = attributes.iter().any(|attribute| {
        let path = attribute.path().to_token_stream().to_string().replace(' ', "");
        path == "uniffi::constructor"
    });
    let is_async = signature.asyncness.is_some();
    if language == Language::Python {
        let start = if is_async { "async def" } else { "def" };
        return format!("{start} {name}({arguments}) -> {}", given.as_deref().unwrap_or("None"));
    }
    let effects = match (is_async, fails) {
        (true, true) => " async throws",
        (true, false) => " async",
        (false, true) => " throws",
        (false, false) => "",
    };
    match given {
        Some(_) if is_made && name == "new" => format!("init({arguments}){effects}"),
        Some(given) => {
            let start = if is_made { "static func" } else { "func" };
            format!("{start} {}({arguments}){effects} -> {given}", camel(&name))
        }
        None => format!("func {}({arguments}){effects}", camel(&name)),
    }
}

fn is_nothing(given: &str) -> bool {
    given == "()"
}

/// The names with defaults in the attributes of UniFFI, and the defaults: `None`, a number, `[]`, or the type's own.
fn defaults(attributes: &[Attribute]) -> Vec<(String, String)> {
    let lists = attributes.iter().map(|attribute| attribute.meta.to_token_stream().to_string());
    let lists = lists.filter(|list| list.starts_with("uniffi"));
    let mut found = Vec::new();
    for list in lists {
        let Some((_, rest)) = list.replace(' ', "").split_once("default(").map(|(a, b)| (a.to_owned(), b.to_owned()))
        else {
            continue;
        };
        for part in rest.split(')').next().unwrap_or_default().split(',') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            found.push((name.to_owned(), value.to_owned()));
        }
    }
    found
}

fn default_in(language: Language, value: &str) -> String {
    let value = match (value, language) {
        ("None", Language::Swift) => "nil",
        ("", _) => "...",
        (value, _) => value,
    };
    format!(" = {value}")
}

/// The type within `Outer<..>`.
fn inner<'a>(of: &'a Type, outer: &str) -> Option<&'a Type> {
    let Type::Path(path) = of else { return None };
    let last = path.path.segments.iter().last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    });
    types.next().filter(|_| last.ident == outer)
}

fn spelled(of: &Type, language: Language) -> String {
    let is_swift = language == Language::Swift;
    if let Some(inner) = inner(of, "Option") {
        let inner = spelled(inner, language);
        return if is_swift { format!("{inner}?") } else { format!("{inner} | None") };
    }
    if let Some(inner) = inner(of, "Arc").or_else(|| inner_of_box(of)) {
        return spelled(inner, language);
    }
    if let Some(inner) = inner(of, "Vec") {
        return match spelled(inner, language).as_str() {
            _ if inner.to_token_stream().to_string() == "u8" => if is_swift { "Data" } else { "bytes" }.to_owned(),
            inner if is_swift => format!("[{inner}]"),
            inner => format!("list[{inner}]"),
        };
    }
    let text = of.to_token_stream().to_string().replace(' ', "");
    let name = text.trim_start_matches("dyn").rsplit("::").next().unwrap_or_default();
    match (name, is_swift) {
        ("SecretBytes", true) => "Data",
        ("SecretBytes", false) => "bytes",
        ("String", false) => "str",
        ("bool", true) => "Bool",
        ("u8" | "u16" | "u32" | "u64" | "i64", false) => "int",
        ("u8", true) => "UInt8",
        ("u16", true) => "UInt16",
        ("u32", true) => "UInt32",
        ("u64", true) => "UInt64",
        ("i64", true) => "Int64",
        (other, _) => other,
    }
    .to_owned()
}

fn inner_of_box(of: &Type) -> Option<&Type> {
    inner(of, "Box")
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (first, rest) = part.split_at(part.len().min(1));
        text + &first.to_uppercase() + rest
    })
}

fn lower_first(name: &str) -> String {
    let (first, rest) = name.split_at(name.len().min(1));
    first.to_lowercase() + rest
}

fn upper_snake(name: &str) -> String {
    let mut text = String::new();
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_uppercase() {
            text.push('_');
        }
        text.extend(letter.to_uppercase());
    }
    text
}
