//! Declarations and their comments in the sources of a language's layer, line by line: they are formatted, and what is
//! public says so.

use super::Entry;

/// What `AsyncSequence` asks for: nobody calls it by hand.
const OF_SEQUENCES: [&str; 4] =
    ["typealias Element", "struct AsyncIterator", "func makeAsyncIterator", "mutating func next"];

/// What is public in a Kotlin file.
pub(super) fn kotlin(source: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut text = String::new();
    let mut outer_is_public = false;
    let lines: Vec<&str> = source.lines().collect();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let trimmed = line.trim();
        at += 1;
        if trimmed.starts_with("/**") {
            let mut comment = vec![trimmed.trim_start_matches("/**").trim_end_matches("*/")];
            while !lines[at - 1].trim().ends_with("*/") && at < lines.len() {
                comment.push(lines[at].trim().trim_end_matches("*/").trim_start_matches('*'));
                at += 1;
            }
            text = joined(&comment);
            continue;
        }
        // Annotations stand between.
        if trimmed.is_empty() || trimmed.starts_with('@') {
            continue;
        }
        let depth = (line.len() - line.trim_start().len()) / 4;
        let is_public = trimmed.starts_with("public ");
        if depth == 0 && !trimmed.starts_with([')', '}']) {
            outer_is_public = is_public;
        }
        let said = std::mem::take(&mut text);
        let is_entry = trimmed.trim_end_matches([',', ';']).chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let is_member = outer_is_public && !said.is_empty() && (trimmed.starts_with("val ") || is_entry);
        let is_own = trimmed.starts_with("public companion") || trimmed.starts_with("public constructor");
        if (is_public && !is_own || is_member) && !trimmed.contains("override ") {
            let (declaration, after) = whole(&lines, at - 1, is_type(trimmed));
            at = after;
            entries.push(Entry { depth: depth.min(2), declaration, text: said });
        }
    }
    entries
}

fn is_type(line: &str) -> bool {
    [" class ", " interface ", " object "].iter().any(|word| line.contains(word))
}

/// The declaration that begins in line `at`, up to its body, and where the next one may begin. Of types only the first
/// line: what is in the parentheses are entries of their own.
fn whole(lines: &[&str], at: usize, is_type: bool) -> (String, usize) {
    let mut declaration = String::new();
    let mut after = at;
    while let Some(line) = lines.get(after) {
        after += 1;
        declaration.push_str(line.trim());
        let open = declaration.matches('(').count();
        if is_type || open <= declaration.matches(')').count() {
            break;
        }
        if !declaration.ends_with('(') {
            declaration.push(' ');
        }
    }
    let declaration = declaration.split(" {").next().unwrap_or_default();
    let declaration = match declaration.rfind(" = ") {
        // What comes after the parameters is a body; what comes in them are defaults.
        Some(at) if declaration[at..].matches(')').count() <= declaration[at..].matches('(').count() => {
            &declaration[..at]
        }
        _ => declaration,
    };
    let declaration = declaration.replace(",)", ")").replace(", )", ")");
    let declaration = declaration.strip_prefix("public ").unwrap_or(&declaration);
    let declaration = [" private constructor", " internal constructor"]
        .iter()
        .fold(declaration, |text, own| text.split(own).next().unwrap_or(text));
    let end: &[char] = if is_type { &['(', ',', ' ', '=', ':'] } else { &[',', ' ', '=', ':', ';'] };
    (declaration.trim_end_matches(end).to_owned(), after)
}

/// What is public in a Swift file, under the types that it extends.
pub(super) fn swift(source: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut text: Vec<&str> = Vec::new();
    let mut extended: Option<&str> = None;
    let mut outer_is_open = false;
    let lines: Vec<&str> = source.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim();
        if let Some(comment) = trimmed.strip_prefix("///") {
            text.push(comment);
            continue;
        }
        if trimmed.is_empty() || trimmed.starts_with('@') || trimmed.starts_with("//") {
            continue;
        }
        let said = joined(&std::mem::take(&mut text));
        let depth = (line.len() - line.trim_start().len()) / 4;
        if depth == 0 {
            extended = trimmed.trim_start_matches("public ").strip_prefix("extension ");
            let is_public = trimmed.starts_with("public ");
            outer_is_open = is_public && [" protocol ", " enum "].iter().any(|kind| trimmed.contains(kind));
        }
        let is_public = ["public ", "open "].iter().any(|word| trimmed.starts_with(word));
        let is_member =
            outer_is_open && depth == 1 && ["func ", "case ", "var "].iter().any(|word| trimmed.starts_with(word));
        let declaration = trimmed.trim_start_matches("public ");
        let is_of_sequence = OF_SEQUENCES.iter().any(|own| declaration.starts_with(own));
        if !(is_public || is_member) || extended.is_some_and(|_| depth == 0) || is_of_sequence {
            continue;
        }
        if let Some(extended) = extended.take() {
            let name = extended.split([':', ' ']).next().unwrap_or_default();
            let text = "What the package adds to it.".to_owned();
            entries.push(Entry { depth: 0, declaration: format!("extension {name}"), text });
        }
        let (declaration, _) = whole(&lines, at, false);
        entries.push(Entry { depth, declaration, text: said });
    }
    entries
}

/// The names in `__all__`.
pub(super) fn python_exports(source: &str) -> Vec<String> {
    let all = source.split("__all__ = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default();
    all.split(',').map(|name| name.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty()).collect()
}

/// What is exported of a Python file, and what is in it.
pub(super) fn python(source: &str, exported: &[String]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut is_exported = false;
    let lines: Vec<&str> = source.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim();
        let depth = (line.len() - line.trim_start().len()) / 4;
        let is_class = trimmed.starts_with("class ");
        let Some(name) = ["class ", "async def ", "def "].iter().find_map(|word| trimmed.strip_prefix(word)) else {
            continue;
        };
        let name = name.split(['(', ':']).next().unwrap_or_default();
        if depth == 0 {
            is_exported = exported.iter().any(|exported| exported == name);
        }
        let is_overload = at > 0 && lines[at - 1].trim() == "@overload";
        if !is_exported || depth > 1 || name.starts_with('_') || is_overload {
            continue;
        }
        let (mut declaration, mut after) = (String::new(), at);
        while let Some(line) = lines.get(after) {
            declaration.push_str(line.trim());
            after += 1;
            if line.trim_end().ends_with(':') {
                break;
            }
            if !declaration.ends_with('(') {
                declaration.push(' ');
            }
        }
        let is_property = at > 0 && lines[at - 1].trim() == "@property";
        let mut declaration = declaration.trim_end_matches(':').replace(", )", ")").replace("_ffi.", "");
        if is_property {
            declaration = declaration.replace("(self) -> ", ": ").replace("def ", "");
        } else if !is_class {
            declaration = declaration.replace("(self, ", "(").replace("(self)", "()");
        }
        entries.push(Entry { depth, declaration, text: docstring(&lines[after..]) });
    }
    entries
}

fn docstring(lines: &[&str]) -> String {
    let Some(first) = lines.first().and_then(|line| line.trim().strip_prefix("\"\"\"")) else { return String::new() };
    if let Some(line) = first.strip_suffix("\"\"\"") {
        return joined(&[line]);
    }
    let rest = lines[1..].iter().take_while(|line| line.trim() != "\"\"\"").map(|line| line.trim());
    joined(&std::iter::once(first).chain(rest).collect::<Vec<_>>())
}

/// Paragraphs as one line each.
fn joined(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let line = line.trim();
        if line.is_empty() {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push_str("\n\n");
            }
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text.trim_end().to_owned()
}
