//! The reference of the Kotlin layer, from the comments in its sources: one page of HTML, which Maven repositories call
//! `javadoc`. Dokka, which would do it, comes from none of the registries that the checks use.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// Something that apps can see.
#[derive(Debug, PartialEq, Eq)]
struct Item {
    /// How deep it is nested, in types.
    depth: usize,
    signature: String,
    comment: String,
}

/// What encloses the line that is being read.
struct Scope {
    indent: usize,
    is_seen: bool,
}

/// Writes the page about all `sources`.
///
/// # Errors
///
/// A file cannot be read or written, or something that apps can see has no comment.
pub(super) fn write(sources: &[PathBuf], page: &Path) -> Result<()> {
    let mut body = String::new();
    let mut bare = Vec::new();
    for source in sources {
        let text = fs::read_to_string(source).with_context(|| format!("cannot read {}", source.display()))?;
        let items = items(&text);
        let name = source.file_name().unwrap_or_default().to_string_lossy();
        bare.extend(
            items.iter().filter(|item| item.comment.is_empty()).map(|item| format!("{name}: {}", item.signature)),
        );
        for item in &items {
            let level = item.depth + 2;
            let signature = escaped(&item.signature);
            let comment = html(&item.comment);
            writeln!(body, "<h{level}><code>{signature}</code></h{level}>\n{comment}").context("a text")?;
        }
    }
    if !bare.is_empty() {
        bail!("without a comment:\n{}", bare.join("\n"));
    }
    let page_text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>dev.cardea</title>\n<style>body {{ font: 16px \
         sans-serif; max-width: 50em; margin: 2em auto }} h3, h4 {{ margin-left: 2em }} h3 + p, h4 + p {{ margin-left: 2em \
         }}</style>\n<h1>dev.cardea</h1>\n{body}</html>\n"
    );
    fs::write(page, page_text).with_context(|| format!("cannot write {}", page.display()))
}

/// Everything in a source file that apps can see, with its comment.
fn items(source: &str) -> Vec<Item> {
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    let mut scopes: Vec<Scope> = Vec::new();
    let mut comment = String::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim();
        let indent = lines[at].len() - lines[at].trim_start().len();
        if line.starts_with("/**") {
            (comment, at) = read_comment(&lines, at);
            continue;
        }
        if line.is_empty() || line.starts_with(['@', ')', '}']) || line.starts_with("//") {
            at += 1;
            continue;
        }
        scopes.retain(|scope| scope.indent < indent);
        let is_inside = scopes.iter().all(|scope| scope.is_seen);
        let signature = signature(&lines, at);
        let is_type =
            ["class ", "interface ", "object"].iter().any(|word| words_before_name(&signature).contains(word));
        let is_companion = signature.contains("companion object");
        let is_public = signature.starts_with("public ");
        let is_part = !comment.is_empty() && !scopes.is_empty() && (is_entry(line) || line.starts_with("val "));
        if is_inside && (is_public || is_part) && !is_companion {
            let depth = scopes.len().min(2);
            found.push(Item {
                depth,
                signature: signature.trim_end_matches([',', ';']).to_owned(),
                comment: std::mem::take(&mut comment),
            });
        }
        comment.clear();
        if is_type && (is_public || line.starts_with("internal ") || line.starts_with("private ")) {
            scopes.push(Scope { indent, is_seen: is_public });
        }
        at += 1;
    }
    found
}

/// What comes before the name and its arguments, where the kind of a declaration stands.
fn words_before_name(signature: &str) -> &str {
    signature.split(['(', ':', '=']).next().unwrap_or_default()
}

/// A value of an enumeration.
fn is_entry(line: &str) -> bool {
    let name = line.trim_end_matches([',', ';']);
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
}

/// The comment that begins at a line, and the line behind it.
fn read_comment(lines: &[&str], start: usize) -> (String, usize) {
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate().skip(start) {
        let is_last = line.contains("*/");
        let line = line.trim().trim_start_matches("/**").trim_end_matches("*/").trim();
        text += line.strip_prefix('*').unwrap_or(line).trim();
        text.push('\n');
        if is_last {
            return (text.trim().to_owned(), at + 1);
        }
    }
    (text, lines.len())
}

/// The declaration at a line without its body, its arguments in one line.
fn signature(lines: &[&str], start: usize) -> String {
    let mut text = String::new();
    let mut depth = 0_usize;
    let mut at = start;
    while at < lines.len() {
        let line = lines[at].trim();
        if line.starts_with("/**") {
            at = read_comment(lines, at).1;
            continue;
        }
        for letter in line.chars() {
            match letter {
                '(' | '<' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                '>' if !text.ends_with('-') => depth = depth.saturating_sub(1),
                '{' | '=' if depth == 0 => return text.trim().replace(", )", ")"),
                _ => {}
            }
            text.push(letter);
        }
        if depth == 0 {
            break;
        }
        if !text.ends_with('(') {
            text.push(' ');
        }
        at += 1;
    }
    text.trim().replace(", )", ")")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Paragraphs, and names in backticks or brackets as code.
fn html(comment: &str) -> String {
    let mut text = String::new();
    for paragraph in comment.split("\n\n") {
        let escaped = escaped(&paragraph.replace("\n@", "\u{1}@").replace('\n', " ")).replace('\u{1}', "<br>");
        let mut is_code = false;
        text += "<p>";
        for letter in escaped.chars() {
            match letter {
                '`' => {
                    text += if is_code { "</code>" } else { "<code>" };
                    is_code = !is_code;
                }
                '[' if !is_code => text += "<code>",
                ']' if !is_code => text += "</code>",
                letter => text.push(letter),
            }
        }
        text += "</p>\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jvm::{FOLDER, sources};

    const SOURCE: &str = "package x\n\n/** A door. See [other]. */\npublic class Door(\n    /** Where. */\n    public val at: \
                          String,\n    size: Int = 1,\n) : AutoCloseable {\n    private val low = 1\n\n    /**\n     * Opens `it`.\n     \
                          *\n     * For a < b.\n     */\n    public suspend fun open(by: Map<String, () -> Unit>): Int = call { 1 }\n\n    \
                          public companion object {\n        /** One. */\n        public fun of(): Door = Door(\"\")\n    \
                          }\n}\n\ninternal class Hidden {\n    /** No. */\n    public fun no() {}\n}\n\n/** Kinds. */\npublic enum class Kind {\n    \
                          /** The first. */\n    FIRST,\n}\n\npublic fun bare(): Int = 1\n";

    #[test]
    fn what_apps_can_see_is_found_with_its_comment() {
        let found: Vec<(usize, String, String)> =
            items(SOURCE).into_iter().map(|item| (item.depth, item.signature, item.comment)).collect();
        let expected = [
            (0, "public class Door(public val at: String, size: Int = 1) : AutoCloseable", "A door. See [other]."),
            (1, "public val at: String", "Where."),
            (1, "public suspend fun open(by: Map<String, () -> Unit>): Int", "Opens `it`.\n\nFor a < b."),
            (2, "public fun of(): Door", "One."),
            (0, "public enum class Kind", "Kinds."),
            (1, "FIRST", "The first."),
            (0, "public fun bare(): Int", ""),
        ];
        assert_eq!(
            found,
            expected.map(|(depth, signature, comment)| (depth, signature.to_owned(), comment.to_owned()))
        );
        assert_eq!(html("A < `b` [c].\n\nD"), "<p>A &lt; <code>b</code> <code>c</code>.</p>\n<p>D</p>\n");
    }

    #[test]
    fn what_has_no_comment_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("A.kt");
        fs::write(&source, SOURCE).unwrap();
        let error = write(&[source], &folder.path().join("index.html")).unwrap_err().to_string();
        assert!(error.contains("A.kt: public fun bare(): Int") && !error.contains("Door"), "{error}");
    }

    #[test]
    fn everything_in_the_layer_has_a_comment() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FOLDER).join("src");
        let all = ["main", "full", "android"].map(|part| sources(&folder.join(part)).unwrap()).concat();
        let page = tempfile::tempdir().unwrap();
        let page = page.path().join("index.html");
        write(&all, &page).unwrap();
        let text = fs::read_to_string(page).unwrap();
        for name in [
            "public suspend fun isOpen(user: String): Boolean",
            "public fun osKeyring",
            "DENIED_NOT_ME",
            "val pinMin: Int",
        ] {
            assert!(text.contains(name), "{name}");
        }
        assert!(!text.contains("NativeSecrets"));
    }
}
