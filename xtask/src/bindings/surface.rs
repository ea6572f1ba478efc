//! What is public in a generated module: its declarations, without bodies, comments and the generator's own machinery.

use super::Language;

/// Names with these pieces are the generator's own.
const MACHINERY: [&str; 5] = ["Uniffi", "uniffi", "FfiConverter", "RustBuffer", "NoHandle"];

/// One line for each public declaration of `source`.
pub(super) fn of(language: Language, source: &str) -> String {
    let mut text = String::new();
    let mut machinery: Option<usize> = None;
    for line in source.lines() {
        let (declaration, indent) = bare(language, line);
        // What is within the generator's own classes is its own too.
        if machinery.is_some_and(|outer| !declaration.is_empty() && indent <= outer) {
            machinery = None;
        }
        let is_own = MACHINERY.iter().any(|piece| name_of(declaration).contains(piece));
        if machinery.is_none() && (is_own || is_hidden(declaration)) && opens(language, declaration) {
            machinery = Some(indent);
        }
        if machinery.is_some() || is_own || !is_declaration(language, declaration) {
            continue;
        }
        // Deeper than this are bodies.
        if indent <= 8 {
            let declaration = declaration.trim_end_matches(['{', ':', ' ', ';', ',']);
            text += &format!("{:indent$}{declaration}\n", "");
        }
    }
    text
}

/// A line without what stands around it, and how far in it begins.
fn bare(language: Language, line: &str) -> (&str, usize) {
    let (text, indent) = (line.trim(), line.len() - line.trim_start().len());
    if language != Language::Kotlin {
        return (text, indent);
    }
    // Some functions stand behind the end of their documentation, and behind what they throw.
    let documented = text.strip_prefix("*/ ");
    let (text, indent) = documented.map_or((text, indent), |rest| (rest, indent - 1));
    let thrown = text.strip_prefix("@Throws(").and_then(|rest| rest.split_once(") fun "));
    (thrown.map_or(text, |(before, _)| &text["@Throws() ".len() + before.len()..]), indent)
}

fn is_declaration(language: Language, line: &str) -> bool {
    let starts = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
    match language {
        Language::Python => starts(&["class ", "def ", "async def "]) && !line.contains("def _"),
        Language::Swift => starts(&["public ", "open ", "case "]),
        Language::Kotlin => {
            starts(&[
                "fun ",
                "suspend fun ",
                "override fun ",
                "override suspend fun ",
                "class ",
                "open class ",
                "data class ",
                "enum class ",
                "sealed class ",
                "interface ",
                "public interface ",
                "object ",
                "val ",
                "var ",
                "typealias ",
            ]) && !line.contains("internal ")
        }
    }
}

/// Whether apps cannot see it, and what is in it.
fn is_hidden(line: &str) -> bool {
    ["internal ", "private ", "fileprivate "].iter().any(|word| line.starts_with(word))
}

/// What comes before arguments and types.
fn name_of(line: &str) -> &str {
    line.split(['(', ':', '=', '{']).next().unwrap_or_default()
}

fn opens(language: Language, line: &str) -> bool {
    match language {
        Language::Python => line.starts_with("class "),
        Language::Swift | Language::Kotlin => line.ends_with('{'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_stay_and_machinery_goes() {
        let python = "class _UniffiHandle:\n    def x(self):\n        pass\nclass Wallet:\n    async def open(self, a: int) -> Status:\n        return 1\n    def _own(self):\n        pass\n";
        assert_eq!(of(Language::Python, python), "class Wallet\n    async def open(self, a: int) -> Status\n");
        let kotlin = "internal interface UniffiLib {\n    fun a()\n}\ninterface WalletInterface {\n    suspend fun open(a: Int): Status\n}\nobject FfiConverterX {\n    fun read() {\n    }\n}\n";
        assert_eq!(of(Language::Kotlin, kotlin), "interface WalletInterface\n    suspend fun open(a: Int): Status\n");
        let kotlin = "        /**\n         * Says it.\n         */ fun version(): String {\n    @Throws(E::class) fun check(a: Int)\n";
        assert_eq!(of(Language::Kotlin, kotlin), "        fun version(): String\n    fun check(a: Int)\n");
        let swift = "public struct FfiConverterY {\n    public static func lift() {\n    }\n}\npublic struct Status {\n    public var state: State\n}\n";
        assert_eq!(of(Language::Swift, swift), "public struct Status\n    public var state: State\n");
    }
}
