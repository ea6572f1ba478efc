//! How declarations of Kotlin begin, and where their pieces end.

use super::super::tokens::{Token, is_word, past, pieces, spelled, text, until};

/// Modifiers of what apps cannot see.
const HIDING: [&str; 3] = ["private", "internal", "protected"];
const MODIFIERS: [&str; 26] = [
    "abstract",
    "actual",
    "annotation",
    "companion",
    "const",
    "crossinline",
    "data",
    "enum",
    "expect",
    "external",
    "final",
    "infix",
    "inline",
    "inner",
    "internal",
    "lateinit",
    "noinline",
    "open",
    "operator",
    "override",
    "private",
    "protected",
    "public",
    "sealed",
    "suspend",
    "tailrec",
];
/// Words that are modifiers only before certain others.
const SOFT: [(&str, &[&str]); 3] = [("fun", &["interface"]), ("value", &["class"]), ("vararg", &["val", "var"])];
/// Annotations that change what an app can call.
const TELLING: [&str; 4] = ["Jvm", "Throws", "RequiresOptIn", "RequiresApi"];

/// How a declaration begins.
pub(super) struct Start {
    /// Annotations that tell something, and modifiers.
    pub(super) words: Vec<String>,
    /// Where its keyword is.
    pub(super) at: usize,
}

impl Start {
    /// Whether it has this modifier.
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
    }

    /// Whether apps cannot see it.
    pub(super) fn is_hidden(&self) -> bool {
        is_hiding(&self.words)
    }

    /// What stands before the keyword.
    pub(super) fn words(&self) -> String {
        self.words.iter().filter(|word| *word != "public").map(|word| format!("{word} ")).collect()
    }
}

/// Whether what has these modifiers is not for apps.
pub(super) fn is_hiding(words: &[String]) -> bool {
    words.iter().any(|word| HIDING.contains(&word.as_str()))
}

/// The declaration that begins at `at`, if one does.
pub(super) fn start(tokens: &[Token], at: usize) -> Option<Start> {
    let is_first = at == 0 || ["{", "}", ";"].contains(&text(tokens, at - 1));
    if !is_first && !tokens.get(at)?.begins_line {
        return None;
    }
    let (words, at) = words(tokens, at);
    let next = text(tokens, at + 1);
    let is_start = match text(tokens, at) {
        "fun" | "class" | "interface" | "object" | "val" | "var" | "typealias" => {
            is_word(next) || ["<", "{"].contains(&next) || words.iter().any(|word| word == "companion")
        }
        "constructor" | "get" => next == "(",
        "set" => next == "(" || is_hiding(&words),
        "init" => next == "{",
        _ => false,
    };
    is_start.then_some(Start { words, at })
}

/// Modifiers and annotations from `at` on, and where they end.
pub(super) fn words(tokens: &[Token], mut at: usize) -> (Vec<String>, usize) {
    let mut words = Vec::new();
    loop {
        let own = text(tokens, at);
        let is_soft = SOFT.iter().any(|(word, before)| *word == own && before.contains(&text(tokens, at + 1)));
        if own == "@" {
            let mut end = at + 2;
            while [".", ":"].contains(&text(tokens, end)) {
                end += 2;
            }
            if text(tokens, end) == "(" && !tokens[end].is_apart {
                end = past(tokens, end);
            }
            let annotation = spelled(&tokens[at..end.min(tokens.len())]);
            if TELLING.iter().any(|telling| annotation[1..].starts_with(telling)) {
                words.push(annotation);
            }
            at = end;
        } else if is_soft || MODIFIERS.contains(&own) && (is_word(text(tokens, at + 1)) || text(tokens, at + 1) == "@")
        {
            words.push(own.to_owned());
            at += 1;
        } else {
            return (words, at);
        }
    }
}

/// Whether a declaration begins at `at`.
pub(super) fn begins(tokens: &[Token], at: usize) -> bool {
    start(tokens, at).is_some()
}

/// Where the value that the sign at `at` begins ends: where the next declaration begins.
pub(super) fn expression(tokens: &[Token], at: usize) -> usize {
    let first = past(tokens, at + 1);
    until(tokens, first.min(tokens.len()), |at| begins(tokens, at) || text(tokens, at) == ";").end
}

/// Whether the accessor that begins at `at` keeps apps from setting, and where it ends.
pub(super) fn accessor(tokens: &[Token], at: usize) -> Option<(bool, usize)> {
    let (modifiers, keyword) = words(tokens, at);
    let is_setter = text(tokens, keyword) == "set";
    if !is_setter && text(tokens, keyword) != "get" {
        return None;
    }
    let is_hidden = is_hiding(&modifiers);
    let behind = if text(tokens, keyword + 1) == "(" { past(tokens, keyword + 1) } else { keyword + 1 };
    let head = until(tokens, behind, |at| ["{", "="].contains(&text(tokens, at)) || begins(tokens, at)).end;
    let end = match text(tokens, head) {
        "{" => past(tokens, head),
        "=" => expression(tokens, head),
        _ => head,
    };
    Some((is_setter && is_hidden, end))
}

/// What a class is of, without what their constructors are given.
pub(super) fn supertypes(header: &[Token]) -> Vec<String> {
    let from = header.iter().position(|token| token.text == ":").map_or(header.len(), |colon| colon + 1);
    let without = |piece: &[Token]| {
        let call = (1..piece.len())
            .find(|at| text(piece, *at) == "(" && (is_word(text(piece, at - 1)) || text(piece, at - 1) == ">"));
        spelled(&piece[..call.unwrap_or(piece.len())])
    };
    pieces(&header[from..]).into_iter().map(without).collect()
}

/// Whether one of a class's members is a constructor.
pub(super) fn has_constructor(members: &[Token]) -> bool {
    let mut at = 0;
    while at < members.len() {
        if start(members, at).is_some_and(|start| text(members, start.at) == "constructor") {
            return true;
        }
        at = past(members, at);
    }
    false
}
