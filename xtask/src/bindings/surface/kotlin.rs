//! What is public in sources of Kotlin: what nothing makes private, internal or protected.

mod parts;

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{Token, inside, is_word, past, past_angles, pieces, spelled, text, tokens, until};
use parts::{Start, accessor, begins, expression, has_constructor, is_hiding, start, supertypes, words};

/// One line for each declaration that is public in these sources. Each comes with where it is to be had, in words that its
/// lines begin with; nothing, if it is to be had everywhere.
pub(super) fn lines<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeSet<String> {
    let mut scan = Scan::default();
    for (place, source) in sources {
        place.clone_into(&mut scan.place);
        let tokens = tokens(source, ("${", '}'));
        let package = tokens.iter().position(|token| token.text == "package" && token.begins_line);
        let name = package.map_or(String::new(), |at| {
            let end = (at + 2..tokens.len()).find(|at| tokens[*at].begins_line).unwrap_or(tokens.len());
            spelled(&tokens[at + 1..end])
        });
        scan.members(&tokens, &Outer { path: &name, name: "", is_enum: false });
    }
    let inherited = |override_: &Override| scan.hides(&override_.outer, &override_.name, 0);
    let hidden: Vec<String> =
        scan.overrides.iter().filter(|found| inherited(found)).map(|found| found.line.clone()).collect();
    scan.lines.retain(|line| !hidden.contains(line));
    scan.lines
}

#[derive(Default)]
struct Scan {
    lines: BTreeSet<String>,
    place: String,
    /// Which types a type is of.
    supertypes: BTreeMap<String, Vec<String>>,
    /// Types, and members of them that apps cannot see.
    hidden: BTreeSet<(String, String)>,
    /// What is as visible as what it overrides.
    overrides: Vec<Override>,
}

struct Override {
    outer: String,
    name: String,
    line: String,
}

/// What declarations stand in.
struct Outer<'a> {
    path: &'a str,
    name: &'a str,
    is_enum: bool,
}

impl Outer<'_> {
    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

impl Scan {
    /// Whether a member of this name is hidden in a type that `outer` is of.
    fn hides(&self, outer: &str, name: &str, depth: usize) -> bool {
        let supertypes = self.supertypes.get(outer).into_iter().flatten();
        depth < 8
            && supertypes
                .into_iter()
                .any(|of| self.hidden.contains(&(of.clone(), name.to_owned())) || self.hides(of, name, depth + 1))
    }

    fn emit(&mut self, start: &Start, outer: &Outer<'_>, name: &str, declaration: &str) {
        let line = self.insert(outer, name, &format!("{}{declaration}", start.words()));
        if start.has("override") && !start.has("public") {
            self.overrides.push(Override { outer: outer.name.to_owned(), name: name.to_owned(), line });
        }
    }

    fn insert(&mut self, outer: &Outer<'_>, name: &str, declaration: &str) -> String {
        let line = format!("{}: {}{declaration}", outer.path_of(name), self.place);
        self.lines.insert(line.clone());
        line
    }

    fn hide(&mut self, outer: &Outer<'_>, name: &str) {
        self.hidden.insert((outer.name.to_owned(), name.to_owned()));
    }

    fn members(&mut self, tokens: &[Token], outer: &Outer<'_>) {
        let mut at = if outer.is_enum { self.entries(tokens, outer) } else { 0 };
        while at < tokens.len() {
            let Some(start) = start(tokens, at) else {
                at = past(tokens, at);
                continue;
            };
            at = match text(tokens, start.at) {
                "fun" => self.function(tokens, &start, outer),
                "val" | "var" => self.property(tokens, &start, outer),
                "class" | "interface" | "object" => self.class(tokens, &start, outer),
                "constructor" => {
                    let end = past(tokens, start.at + 1);
                    if !start.is_hidden() && !outer.is_enum {
                        self.emit(&start, outer, "<init>", &spelled(&tokens[start.at..end]));
                    }
                    until(tokens, end, |at| text(tokens, at) == "{" || begins(tokens, at)).end
                }
                "typealias" => {
                    let range = until(tokens, start.at + 1, |at| begins(tokens, at));
                    if !start.is_hidden() {
                        let declaration = spelled(&tokens[start.at..range.end]);
                        self.emit(&start, outer, text(tokens, start.at + 1), &declaration);
                    }
                    range.end
                }
                // Blocks of classes, and accessors that a property has not taken.
                _ => start.at + 1,
            };
        }
    }

    /// The entries of an enum, and where they end.
    fn entries(&mut self, tokens: &[Token], outer: &Outer<'_>) -> usize {
        let end = until(tokens, 0, |at| text(tokens, at) == ";").end;
        for entry in pieces(&tokens[..end]) {
            let (_, name) = words(entry, 0);
            let name = text(entry, name);
            if is_word(name) {
                self.insert(outer, name, "entry");
            }
        }
        end
    }

    fn function(&mut self, tokens: &[Token], start: &Start, outer: &Outer<'_>) -> usize {
        let generics = start.at + 1;
        let name = if text(tokens, generics) == "<" { past_angles(tokens, generics) } else { generics };
        let Some(parameters) = (name..tokens.len()).find(|at| text(tokens, *at) == "(") else { return tokens.len() };
        let behind = past(tokens, parameters);
        let header = until(tokens, behind, |at| ["{", "="].contains(&text(tokens, at)) || begins(tokens, at)).end;
        let has_type = tokens[behind..header].iter().any(|token| token.text == ":");
        let after = if text(tokens, header) == "=" { expression(tokens, header) } else { header };
        let name = spelled(&tokens[name..parameters]);
        if start.is_hidden() {
            self.hide(outer, &name);
        } else {
            let declaration = spelled(&tokens[start.at..header]);
            // The compiler finds the type in the body; the layer is compiled so that it has to stand there.
            let guessed = if text(tokens, header) == "=" && !has_type { " = .." } else { "" };
            self.emit(start, outer, &name, &(declaration + guessed));
        }
        if text(tokens, after) == "{" { past(tokens, after) } else { after }
    }

    fn property(&mut self, tokens: &[Token], start: &Start, outer: &Outer<'_>) -> usize {
        let is_end = |at: usize| ["=", "by", "get", "set", "{", ";"].contains(&text(tokens, at)) || begins(tokens, at);
        let generics = start.at + 1;
        let name = if text(tokens, generics) == "<" { past_angles(tokens, generics) } else { generics };
        // The name itself may be one of those words.
        let header = until(tokens, name + 1, is_end).end;
        let colon = until(tokens, name, |at| at >= header || text(tokens, at) == ":").end;
        let has_value = ["=", "by"].contains(&text(tokens, header));
        let mut after = if has_value { expression(tokens, header) } else { header };
        let is_whole = colon == header || start.has("const");
        let mut declaration = spelled(&tokens[start.at..if is_whole { after } else { header }]);
        while let Some((setter, end)) = accessor(tokens, after) {
            if setter {
                declaration += " (not settable)";
            }
            after = end;
        }
        let name = spelled(&tokens[name..colon]);
        if start.is_hidden() {
            self.hide(outer, &name);
        } else {
            self.emit(start, outer, &name, &declaration);
        }
        after
    }

    fn class(&mut self, tokens: &[Token], start: &Start, outer: &Outer<'_>) -> usize {
        let keyword = text(tokens, start.at);
        let has_name = is_word(text(tokens, start.at + 1)) && !begins(tokens, start.at + 1);
        let name = if has_name { text(tokens, start.at + 1) } else { "Companion" };
        let mut at = start.at + if has_name { 2 } else { 1 };
        if text(tokens, at) == "<" {
            at = past_angles(tokens, at);
        }
        let head = spelled(&tokens[start.at..at]);
        let (own_words, own) = words(tokens, at);
        let primary = match text(tokens, own) {
            "constructor" => Some((own_words, own + 1)),
            "(" => Some((Vec::new(), own)),
            _ => None,
        };
        if let Some((_, open)) = &primary {
            at = past(tokens, *open);
        }
        let header = until(tokens, at, |at| text(tokens, at) == "{" || begins(tokens, at));
        let (members, after) = match text(tokens, header.end) {
            "{" => (inside(tokens, header.end), past(tokens, header.end)),
            _ => (&[][..], header.end),
        };
        if start.is_hidden() {
            self.hide(outer, name);
            return after;
        }
        let supertypes = supertypes(&tokens[header]);
        let names = supertypes.iter().map(|of| of.split(['<', ' ']).next().unwrap_or_default());
        self.supertypes
            .insert(name.to_owned(), names.map(|of| of.rsplit('.').next().unwrap_or(of).to_owned()).collect());
        let of = if supertypes.is_empty() { String::new() } else { format!(": {}", supertypes.join(", ")) };
        self.emit(start, outer, name, &format!("{head}{of}"));

        let path = outer.path_of(name);
        let inner = Outer { path: &path, name, is_enum: start.has("enum") };
        let is_made = keyword == "class" && !inner.is_enum && !start.has("sealed");
        match primary {
            Some((modifiers, open)) => {
                let is_public = is_made && !is_hiding(&modifiers);
                self.parameters(inside(tokens, open), &inner, is_public);
            }
            None if is_made && !has_constructor(members) => self.parameters(&[], &inner, true),
            None => {}
        }
        self.members(members, &inner);
        after
    }

    /// The constructor in a class's head, and what is a property of it.
    fn parameters(&mut self, tokens: &[Token], class: &Outer<'_>, is_public: bool) {
        let mut parameters = Vec::new();
        for parameter in pieces(tokens) {
            let (modifiers, at) = words(parameter, 0);
            let start = Start { words: modifiers, at };
            let is_property = ["val", "var"].contains(&text(parameter, at));
            let name = at + usize::from(is_property);
            let vararg =
                if start.has("vararg") || text(parameter, at) == "vararg" && is_property { "vararg " } else { "" };
            parameters.push(format!("{vararg}{}", spelled(&parameter[name..])));
            if is_property && start.is_hidden() {
                self.hide(class, text(parameter, name));
            } else if is_property {
                let end = until(parameter, name, |at| text(parameter, at) == "=").end;
                self.emit(&start, class, text(parameter, name), &spelled(&parameter[at..end]));
            }
        }
        if is_public {
            self.insert(class, "<init>", &format!("constructor({})", parameters.join(", ")));
        }
    }
}

#[cfg(test)]
mod tests;
