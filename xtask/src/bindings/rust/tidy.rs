//! Tokens as a line that people read.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// Tokens of several characters.
const LONG: [&str; 10] = ["..=", "::", "->", "=>", "..", "<<", "&&", "||", "==", "<="];

/// The tokens with white space as rustfmt would put it, more or less, and always in the same way.
pub(super) fn text(tokens: TokenStream) -> String {
    let mut atoms = Vec::new();
    flatten(tokens, &mut atoms);
    let mut line = String::new();
    let mut before = "";
    for (at, atom) in atoms.iter().enumerate() {
        let closes = atoms.get(at + 1).is_none_or(|next| matches!(&**next, ")" | "]" | ">" | "}"));
        if atom == "," && closes {
            continue;
        }
        if !before.is_empty() && is_apart(before, atom) {
            line.push(' ');
        }
        line.push_str(atom);
        before = atom;
    }
    line
}

fn flatten(tokens: TokenStream, atoms: &mut Vec<String>) {
    let mut signs = String::new();
    for tree in tokens {
        if let TokenTree::Punct(sign) = &tree {
            signs.push(sign.as_char());
            if sign.spacing() == Spacing::Joint {
                continue;
            }
        }
        let lifetime = signs.pop_if_ends_with('\'');
        split(&std::mem::take(&mut signs), atoms);
        match tree {
            TokenTree::Punct(_) => {}
            TokenTree::Ident(name) => atoms.push(format!("{}{name}", if lifetime { "'" } else { "" })),
            TokenTree::Literal(value) => atoms.push(value.to_string()),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                atoms.extend(Some(open.to_owned()).filter(|open| !open.is_empty()));
                flatten(group.stream(), atoms);
                atoms.extend(Some(close.to_owned()).filter(|close| !close.is_empty()));
            }
        }
    }
    split(&signs, atoms);
}

/// Takes a last character off.
trait PopIf {
    fn pop_if_ends_with(&mut self, last: char) -> bool;
}

impl PopIf for String {
    fn pop_if_ends_with(&mut self, last: char) -> bool {
        let ends = self.ends_with(last);
        if ends {
            self.pop();
        }
        ends
    }
}

fn split(mut signs: &str, atoms: &mut Vec<String>) {
    while let Some(first) = signs.chars().next() {
        let long = LONG.iter().find(|long| signs.starts_with(**long));
        let length = long.map_or(first.len_utf8(), |long| long.len());
        atoms.push(signs[..length].to_owned());
        signs = &signs[length..];
    }
}

fn is_word(atom: &str) -> bool {
    atom.starts_with(|first: char| first.is_alphanumeric() || matches!(first, '_' | '"' | '\''))
}

fn is_apart(before: &str, after: &str) -> bool {
    if before == "{" && after == "}" {
        return false;
    }
    match (before, after) {
        (_, "," | ";" | ")" | "]" | ">" | "::" | "." | ":") | ("(" | "[" | "<" | "::" | "&" | "!" | "?" | "#", _) => {
            false
        }
        ("," | ";" | ":", _) => true,
        ("=" | "->" | "=>" | "+" | "|" | "==" | "<<" | "/" | "{" | "}" | "*", _)
        | (_, "=" | "->" | "=>" | "+" | "|" | "==" | "<<" | "/" | "{" | "}") => true,
        ("]", "#" | "$") => true,
        (_, "*" | "&" | "#" | "-" | "$") => is_word(before),
        ("mut" | "dyn" | "impl" | "where" | "in", "(" | "[") => true,
        (lifetime, "(" | "[" | "<") if lifetime.starts_with('\'') => true,
        (">" | ")" | "]", _) => is_word(after),
        _ => is_word(before) && is_word(after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(line: &str) {
        assert_eq!(text(line.parse().unwrap()), line);
    }

    #[test]
    fn lines_look_as_they_are_written() {
        same("pub const fn new(bytes: [u8; 32]) -> Self");
        same("pub async fn enroll<F, R>(&self, choose: F) -> Result<Vec<Vec<u8>>, Error> where F: FnOnce(Policy) -> R");
        same("fn a<'a>(&'a mut self, of: &'a [&'a str], by: impl Into<Approval> + Send) -> &'a dyn Fn(u8) -> (u8, u8)");
        same("impl<T: ?Sized> From<T> for Wallet<'_> { type Error = <T as Other>::Error; }");
        same("pub const MAX: usize = 64 * 1024");
        same("pub struct X {}");
    }

    #[test]
    fn lines_that_were_broken_are_one() {
        assert_eq!(
            text("fn a(\n    b: u8,\n    c: [u8; 2],\n) -> E<\n    F,\n>".parse().unwrap()),
            "fn a(b: u8, c: [u8; 2]) -> E<F>"
        );
    }
}
