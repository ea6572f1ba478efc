//! Kotlin and Swift cut into words, signs and literals. Comments are gone; a literal is one token, whatever is in it.

use std::ops::Range;

/// A piece of a source.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// As it is written, without the backticks around a name.
    pub(super) text: String,
    /// The first one of its line.
    pub(super) begins_line: bool,
    /// There is white space or a comment before it.
    pub(super) is_apart: bool,
    /// What `#if` asks for here, in Swift; mostly nothing.
    pub(super) condition: String,
}

/// Signs that belong together. What is not here is a token for each character.
const SIGNS: [&str; 8] = ["===", "...", "->", "::", "==", "!=", "<=", "?:"];

/// All tokens of `source`. `interpolation` is what begins code within a literal, and what ends it.
pub(super) fn tokens(source: &str, interpolation: (&str, char)) -> Vec<Token> {
    let reader = Reader { chars: source.chars().collect(), interpolation };
    let mut tokens = Vec::new();
    let mut conditions: Vec<String> = Vec::new();
    let (mut at, mut begins_line, mut is_apart) = (0, true, true);
    while let Some(&char) = reader.chars.get(at) {
        let end = if char.is_whitespace() { at + 1 } else { reader.comment(at).unwrap_or(at) };
        if end > at {
            begins_line |= reader.chars[at..end].contains(&'\n');
            is_apart = true;
            at = end;
            continue;
        }
        if begins_line && let Some(end) = reader.directive(at, &mut conditions) {
            at = end;
            continue;
        }
        let end = reader.token(at);
        let text: String = reader.chars[at..end].iter().collect();
        let text = if char == '`' { text.replace('`', "") } else { text };
        tokens.push(Token { text, begins_line, is_apart, condition: conditions.join(" && ") });
        (at, begins_line, is_apart) = (end, false, false);
    }
    tokens
}

struct Reader<'a> {
    chars: Vec<char>,
    interpolation: (&'a str, char),
}

impl Reader<'_> {
    fn has(&self, at: usize, text: &str) -> bool {
        text.chars().enumerate().all(|(offset, char)| self.chars.get(at + offset) == Some(&char))
    }

    /// The first place from `at` on that `wanted` says yes to, or the end.
    fn until(&self, at: usize, wanted: impl Fn(usize) -> bool) -> usize {
        (at..self.chars.len()).find(|at| wanted(*at)).unwrap_or(self.chars.len())
    }

    /// Where the comment that begins here ends. Comments between `/*` and `*/` stand within each other.
    fn comment(&self, at: usize) -> Option<usize> {
        if self.has(at, "//") {
            return Some(self.until(at, |at| self.chars[at] == '\n'));
        }
        if !self.has(at, "/*") {
            return None;
        }
        let (mut depth, mut at) = (1, at + 2);
        while depth > 0 && at < self.chars.len() {
            let step = usize::from(self.has(at, "/*")) + 2 * usize::from(self.has(at, "*/"));
            depth = if step == 1 { depth + 1 } else { depth - usize::from(step == 2) };
            at += if step == 0 { 1 } else { 2 };
        }
        Some(at)
    }

    /// Heeds `#if` and the like, and returns where it ends.
    fn directive(&self, at: usize, conditions: &mut Vec<String>) -> Option<usize> {
        let kind = ["#if ", "#elseif ", "#else", "#endif"].into_iter().find(|kind| self.has(at, kind))?;
        let end = self.until(at, |at| self.chars[at] == '\n');
        let of = self.chars[at + kind.len()..end].iter().collect::<String>().trim().to_owned();
        let before = if kind == "#if " { None } else { conditions.pop() };
        match (kind, before) {
            ("#if ", _) => conditions.push(of),
            ("#elseif ", Some(before)) => conditions.push(format!("!({before}) && {of}")),
            ("#else", Some(before)) => conditions.push(format!("!({before})")),
            _ => {}
        }
        Some(end)
    }

    /// Where the token that begins here ends.
    fn token(&self, at: usize) -> usize {
        let char = self.chars[at];
        let is_of_word = |at: usize| self.chars[at].is_alphanumeric() || ['_', '$'].contains(&self.chars[at]);
        if char == '`' {
            return (self.until(at + 1, |at| self.chars[at] == '`') + 1).min(self.chars.len());
        }
        if char == '\'' {
            let first = at + if self.has(at + 1, "\\") { 3 } else { 2 };
            return (self.until(first, |at| self.chars[at] == '\'') + 1).min(self.chars.len());
        }
        if char.is_ascii_digit() {
            let is_point =
                |at: usize| self.chars[at] == '.' && self.chars.get(at + 1).is_some_and(char::is_ascii_digit);
            return self.until(at, |at| !is_of_word(at) && !is_point(at));
        }
        if is_of_word(at) {
            return self.until(at, |at| !is_of_word(at));
        }
        if char == '"' {
            return self.literal(at);
        }
        let hashes = self.until(at, |at| self.chars[at] != '#') - at;
        if hashes > 0 && self.has(at + hashes, "\"") {
            let closing = format!("\"{}", "#".repeat(hashes));
            let end = self.until(at + hashes + 1, |at| self.has(at, &closing));
            return (end + closing.len()).min(self.chars.len());
        }
        at + SIGNS.into_iter().find(|sign| self.has(at, sign)).map_or(1, str::len)
    }

    /// Where the literal that begins with this quote ends.
    fn literal(&self, at: usize) -> usize {
        let quote = if self.has(at, "\"\"\"") { "\"\"\"" } else { "\"" };
        let mut at = at + quote.len();
        while at < self.chars.len() {
            if self.has(at, self.interpolation.0) {
                at = self.nested(at + self.interpolation.0.len());
            } else if self.has(at, "\\") && (quote.len() == 1 || self.interpolation.0.starts_with('\\')) {
                at += 2;
            } else if self.has(at, quote) {
                at += quote.len();
                // More quotes may stand before the last three.
                return if quote.len() == 1 { at } else { self.until(at, |at| self.chars[at] != '"') };
            } else {
                at += 1;
            }
        }
        at.min(self.chars.len())
    }

    /// Where code within a literal ends.
    fn nested(&self, mut at: usize) -> usize {
        let close = self.interpolation.1;
        let open = if close == ')' { '(' } else { '{' };
        let mut depth = 1;
        while depth > 0 && at < self.chars.len() {
            depth += usize::from(self.chars[at] == open);
            depth -= usize::from(self.chars[at] == close);
            at = if self.chars[at] == '"' { self.literal(at) } else { at + 1 };
        }
        at
    }
}

/// Where the bracket that opens at `at` is closed, and one further; `at + 1` if it is no bracket.
pub(super) fn past(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, token) in tokens[at..].iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + offset + 1;
        }
    }
    tokens.len()
}

/// What is within the bracket that opens at `at`.
pub(super) fn inside(tokens: &[Token], at: usize) -> &[Token] {
    let end = past(tokens, at).saturating_sub(1).max(at + 1).min(tokens.len());
    &tokens[at + 1..end]
}

/// As [`past`], for `<` and `>`.
pub(super) fn past_angles(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, token) in tokens[at..].iter().enumerate() {
        match token.text.as_str() {
            "<" => depth += 1,
            ">" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + offset + 1;
        }
    }
    tokens.len()
}

/// The places from `from` to the first one outside of brackets that `wanted` says yes to, or to the end.
pub(super) fn until(tokens: &[Token], from: usize, wanted: impl Fn(usize) -> bool) -> Range<usize> {
    let mut at = from;
    while at < tokens.len() && !wanted(at) {
        at = past(tokens, at);
    }
    from..at
}

/// The text of the token, or nothing behind the last one.
pub(super) fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

/// Whether it is a name, a word of the language, or a number.
pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(|char: char| char.is_alphanumeric() || char == '_' || char == '$')
}

/// The pieces between commas that stand in no brackets.
pub(super) fn pieces(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut pieces, mut from) = (Vec::new(), 0);
    while from < tokens.len() {
        let mut end = from;
        // An angle bracket is a bracket here only where a type has parameters: after a name, and closed again.
        while end < tokens.len() && text(tokens, end) != "," {
            end = if text(tokens, end) == "<" { past_angles(tokens, end) } else { past(tokens, end) };
        }
        if end > from {
            pieces.push(&tokens[from..end]);
        }
        from = end + 1;
    }
    pieces
}

/// The tokens as one line, spaced as one does, however many lines they were.
pub(super) fn spelled(tokens: &[Token]) -> String {
    let mut line = String::new();
    let mut before = "";
    for (at, token) in tokens.iter().enumerate() {
        let own = token.text.as_str();
        let closes = [")", "]"].contains(&own);
        if own == "," && [")", "]", ">", ""].contains(&text(tokens, at + 1)) {
            continue;
        }
        let is_near = before.is_empty()
            || ["(", "[", "@", "::"].contains(&before)
            || closes
            || [",", ":", ";", "::"].contains(&own)
            || (own == "(" || own == ".") && token.begins_line;
        let is_far = token.is_apart
            || [",", ":", "->", "=", "=="].contains(&before)
            || ["->", "=", "=="].contains(&own)
            || is_word(own) && (before == ")" || is_word(before));
        if is_far && !is_near {
            line.push(' ');
        }
        line += own;
        before = own;
    }
    // What a literal has of lines.
    line.replace("\r\n", "\\n").replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
