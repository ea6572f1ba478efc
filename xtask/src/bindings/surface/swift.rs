//! What is public in sources of Swift: what says so, and what is in protocols and enums that do.

use std::collections::BTreeSet;

use super::tokens::{Token, inside, is_word, past, pieces, spelled, text, tokens};

const HIDING: [&str; 4] = ["private", "fileprivate", "internal", "package"];
const MODIFIERS: [&str; 25] = [
    "class",
    "convenience",
    "dynamic",
    "fileprivate",
    "final",
    "indirect",
    "infix",
    "internal",
    "isolated",
    "lazy",
    "mutating",
    "nonisolated",
    "nonmutating",
    "open",
    "optional",
    "override",
    "package",
    "postfix",
    "prefix",
    "private",
    "public",
    "required",
    "static",
    "unowned",
    "weak",
];
/// Attributes that change nothing for apps, or warnings alone.
const SILENT: [&str; 5] = ["discardableResult", "_documentation", "inlinable", "usableFromInline", "objc"];
/// The ways into a property's block.
const ACCESSORS: [&str; 6] = ["get", "set", "willSet", "didSet", "mutating", "nonmutating"];

/// One line for each declaration of the module that is public in these sources.
pub(super) fn lines<'a>(module: &str, sources: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let sources: Vec<Vec<Token>> = sources.into_iter().map(|source| tokens(source, ("\\(", ')'))).collect();
    let mut scan = Scan::default();
    // Extensions may stand before what they extend: the first time is for the types that apps cannot see.
    for _ in 0..2 {
        scan.lines.clear();
        for tokens in &sources {
            scan.members(tokens, &Outer { path: module.to_owned(), kind: Kind::File, condition: String::new() });
        }
    }
    scan.lines
}

#[derive(Default)]
struct Scan {
    lines: BTreeSet<String>,
    hidden: BTreeSet<String>,
}

/// What declarations stand in.
struct Outer {
    path: String,
    kind: Kind,
    /// For which of its types an extension is.
    condition: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Type,
    PublicExtension,
    Protocol,
}

/// How a declaration begins.
struct Start {
    /// Attributes that tell something, and modifiers.
    words: Vec<String>,
    /// Where its keyword is.
    at: usize,
}

impl Start {
    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
    }

    fn is_visible(&self, outer: &Outer, keyword: &str) -> bool {
        match outer.kind {
            Kind::Protocol => true,
            Kind::Type if keyword == "case" => true,
            Kind::PublicExtension => !HIDING.iter().any(|word| self.has(word)),
            Kind::File | Kind::Type => self.has("public") || self.has("open"),
        }
    }

    /// What stands before the keyword.
    fn words(&self) -> String {
        self.words.iter().filter(|word| *word != "public").map(|word| format!("{word} ")).collect()
    }
}

/// The declaration that begins at `at`, if one does.
fn start(tokens: &[Token], at: usize) -> Option<Start> {
    let is_first = at == 0 || ["{", "}", ";"].contains(&text(tokens, at - 1));
    if !is_first && !tokens.get(at)?.begins_line {
        return None;
    }
    let (words, at) = words(tokens, at);
    let next = text(tokens, at + 1);
    let is_start = match text(tokens, at) {
        "func" | "subscript" | "deinit" | "operator" | "precedencegroup" => true,
        "var" | "let" | "class" | "struct" | "enum" | "protocol" | "actor" | "extension" | "typealias"
        | "associatedtype" | "case" | "import" | "macro" => is_word(next),
        "init" => ["(", "?", "!", "<"].contains(&next),
        _ => false,
    };
    is_start.then_some(Start { words, at })
}

/// Modifiers and attributes from `at` on, and where they end.
fn words(tokens: &[Token], mut at: usize) -> (Vec<String>, usize) {
    let mut words = Vec::new();
    loop {
        let (own, next) = (text(tokens, at), text(tokens, at + 1));
        if own == "@" {
            let mut end = at + 2;
            if text(tokens, end) == "(" && !tokens[end].is_apart {
                end = past(tokens, end);
            }
            let attribute = spelled(&tokens[at..end.min(tokens.len())]);
            let is_silent = SILENT.contains(&next) || next == "available" && attribute.contains("deprecated");
            if !is_silent {
                words.push(attribute);
            }
            at = end;
        } else if MODIFIERS.contains(&own) && next == "(" && text(tokens, at + 3) == ")" {
            words.push(spelled(&tokens[at..at + 4]));
            at += 4;
        } else if MODIFIERS.contains(&own) && is_modifier(tokens, at) {
            words.push(own.to_owned());
            at += 1;
        } else {
            return (words, at);
        }
    }
}

/// Whether a word that may be a modifier is one here: `class` also begins a type.
fn is_modifier(tokens: &[Token], at: usize) -> bool {
    let next = text(tokens, at + 1);
    let before_class = ["func", "var", "let", "subscript"].contains(&next) || MODIFIERS.contains(&next);
    if text(tokens, at) == "class" { before_class } else { is_word(next) || next == "@" }
}

impl Scan {
    fn emit(&mut self, tokens: &[Token], start: &Start, outer: &Outer, name: &str, declaration: &str) {
        let of = &tokens[start.at].condition;
        let condition = if of.is_empty() { String::new() } else { format!("#if {of} ") };
        let line = format!("{}.{name}: {condition}{}{declaration}{}", outer.path, start.words(), outer.condition);
        self.lines.insert(line);
    }

    fn members(&mut self, tokens: &[Token], outer: &Outer) {
        let mut at = 0;
        while at < tokens.len() {
            let Some(start) = start(tokens, at) else {
                at = past(tokens, at);
                continue;
            };
            let keyword = text(tokens, start.at);
            at = match keyword {
                "class" | "struct" | "enum" | "protocol" | "actor" => self.of_type(tokens, &start, outer),
                "extension" => self.extension(tokens, &start, outer),
                "func" | "init" | "subscript" => self.function(tokens, &start, outer),
                "var" | "let" => self.property(tokens, &start, outer),
                "case" => self.cases(tokens, &start, outer),
                "typealias" | "associatedtype" | "operator" | "precedencegroup" | "macro" | "import" => {
                    let end = end(tokens, start.at + 1, &["{"]);
                    let is_passed_on = keyword == "import" && start.has("@_exported");
                    if is_passed_on || keyword != "import" && start.is_visible(outer, keyword) {
                        let name = text(tokens, start.at + 1);
                        self.emit(tokens, &start, outer, name, &spelled(&tokens[start.at..end]));
                    }
                    end
                }
                _ => start.at + 1,
            };
        }
    }

    fn of_type(&mut self, tokens: &[Token], start: &Start, outer: &Outer) -> usize {
        let (keyword, name) = (text(tokens, start.at), text(tokens, start.at + 1));
        let header = end(tokens, start.at + 1, &["{"]);
        if start.is_visible(outer, keyword) {
            self.emit(tokens, start, outer, name, &spelled(&tokens[start.at..header]));
            let kind = if keyword == "protocol" { Kind::Protocol } else { Kind::Type };
            let path = format!("{}.{name}", outer.path);
            self.members(body(tokens, header), &Outer { path, kind, condition: outer.condition.clone() });
        } else if outer.kind == Kind::File {
            self.hidden.insert(name.to_owned());
        }
        behind(tokens, header)
    }

    fn extension(&mut self, tokens: &[Token], start: &Start, outer: &Outer) -> usize {
        let header = end(tokens, start.at + 1, &["{"]);
        let is_at =
            |wanted: &[&str]| (start.at..header).find(|at| wanted.contains(&text(tokens, *at))).unwrap_or(header);
        let (colon, condition) = (is_at(&[":", "where"]), is_at(&["where"]));
        let name = spelled(&tokens[start.at + 1..colon]);
        if !self.hidden.contains(text(tokens, start.at + 1)) && !HIDING.iter().any(|word| start.has(word)) {
            if colon < condition {
                self.emit(tokens, start, outer, &name, &spelled(&tokens[start.at..header]));
            }
            let condition = &tokens[condition..header];
            let condition = if condition.is_empty() { String::new() } else { format!(" ({})", spelled(condition)) };
            let kind = if start.has("public") { Kind::PublicExtension } else { Kind::Type };
            let inner = Outer { path: format!("{}.{name}", outer.path), kind, condition };
            self.members(body(tokens, header), &inner);
        }
        behind(tokens, header)
    }

    fn function(&mut self, tokens: &[Token], start: &Start, outer: &Outer) -> usize {
        let keyword = text(tokens, start.at);
        let header = end(tokens, start.at + 1, &["{"]);
        if start.is_visible(outer, keyword) {
            let name = if keyword == "func" { start.at + 1 } else { start.at };
            // A function may be named by signs.
            let signs = tokens[name + 1..header].iter().take_while(|token| !["(", "<"].contains(&token.text.as_str()));
            let name = match keyword {
                "func" => spelled(&tokens[name..=name + signs.count()]),
                _ => keyword.to_owned(),
            };
            let access = if keyword == "subscript" { access(body(tokens, header)) } else { String::new() };
            self.emit(tokens, start, outer, &name, &(spelled(&tokens[start.at..header]) + &access));
        }
        behind(tokens, header)
    }

    fn property(&mut self, tokens: &[Token], start: &Start, outer: &Outer) -> usize {
        let header = end(tokens, start.at + 1, &["{", "="]);
        let has_value = text(tokens, header) == "=";
        let after = if has_value { end(tokens, header + 1, &[]) } else { header };
        if start.is_visible(outer, "") {
            let has_type = tokens[start.at..header].iter().any(|token| token.text == ":");
            let access = if text(tokens, header) == "{" { access(body(tokens, header)) } else { String::new() };
            // Without a type the value is what says it.
            let declaration = spelled(&tokens[start.at..if has_type { header } else { after }]) + &access;
            self.emit(tokens, start, outer, text(tokens, start.at + 1), &declaration);
        }
        behind(tokens, after)
    }

    fn cases(&mut self, tokens: &[Token], start: &Start, outer: &Outer) -> usize {
        let end = end(tokens, start.at + 1, &[]);
        if start.is_visible(outer, "case") {
            for case in pieces(&tokens[start.at + 1..end]) {
                self.emit(tokens, start, outer, text(case, 0), &format!("case {}", spelled(case)));
            }
        }
        end
    }
}

/// Where the next declaration begins, or one of these signs stands.
fn end(tokens: &[Token], from: usize, signs: &[&str]) -> usize {
    let is_end = |at: usize| at > from && (start(tokens, at).is_some() || text(tokens, at) == ";");
    let mut at = from;
    while at < tokens.len() && !is_end(at) && !signs.contains(&text(tokens, at)) {
        at = past(tokens, at);
    }
    at.min(tokens.len())
}

/// Where the block ends that may begin at `at`.
fn behind(tokens: &[Token], at: usize) -> usize {
    if text(tokens, at) == "{" { past(tokens, at) } else { at }
}

fn body(tokens: &[Token], at: usize) -> &[Token] {
    if text(tokens, at) == "{" { inside(tokens, at) } else { &[] }
}

/// What can be done with a property or subscript that has this block.
fn access(block: &[Token]) -> String {
    if !ACCESSORS.contains(&text(block, 0)) {
        return " { get }".to_owned();
    }
    let (mut ways, mut at) = (Vec::new(), 0);
    while at < block.len() {
        let own = text(block, at);
        if ["willSet", "didSet"].contains(&own) {
            return String::new();
        }
        if is_word(own) {
            ways.push(own);
        }
        at = past(block, at);
    }
    format!(" {{ {} }}", ways.join(" "))
}

#[cfg(test)]
mod tests;
