use super::*;

fn real() -> Vec<Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the project");
    pages(root).expect("the sources can be read")
}

#[test]
fn every_public_thing_of_every_language_says_what_it_is_for() {
    for page in real() {
        let silent = silent(&page);
        assert!(silent.is_empty(), "{}:\n{}", page.language.name(), silent.join("\n"));
        assert!(page.entries.len() > 100, "{} has {}", page.language.name(), page.entries.len());
    }
}

#[test]
fn what_an_app_begins_with_is_on_every_page_in_the_spelling_of_the_language() {
    for (page, wanted) in real().iter().zip([
        [
            "class Wallet",
            "suspend fun enroll(invitation: Invitation, pins: Pins): Enrollment",
            "suspend fun open(approval: Approval, atMost: Duration? = null): Status",
            "NOT_ENROLLED",
            "val triesLeft: Int",
        ],
        [
            "class Wallet",
            "async def info(*, timeout: float | None = None) -> TokenInfo",
            "async def open(pin: Approval, seconds: int | None = None, *, timeout: float | None = None) -> Status",
            "NOT_ENROLLED",
            "tries_left: int",
        ],
        [
            "class Wallet",
            "func open(approval: Approval, seconds: UInt64? = nil, cancel: Cancel? = nil) async throws -> Status",
            "func open(_ approval: Approval, seconds: UInt64? = nil) async throws -> Status",
            "case notEnrolled",
            "var triesLeft: UInt8",
        ],
    ]) {
        for declaration in wanted {
            let there = page.entries.iter().any(|entry| entry.declaration == declaration);
            assert!(there, "{}: no {declaration}", page.language.name());
        }
    }
}

#[test]
fn kotlin_comments_go_to_what_is_public() {
    let source = "
/** A door. */
public class Door internal constructor(
    /** Its name. */
    public val name: String,
) {
    /**
     * Opens it,
     * slowly.
     *
     * Twice.
     */
    @JvmOverloads
    public fun open(
        by: String,
        times: Int = 2,
    ): Boolean = true

    public fun silent() {
    }

    /** Not shown. */
    internal fun own() {
    }
}

internal class Hidden {
    /** Not shown. */
    val at: Int = 0
}
";
    let entries: Vec<(usize, String, String)> =
        layer::kotlin(source).into_iter().map(|entry| (entry.depth, entry.declaration, entry.text)).collect();
    let entry = |depth, declaration: &str, text: &str| (depth, declaration.to_owned(), text.to_owned());
    assert_eq!(
        entries,
        [
            entry(0, "class Door", "A door."),
            entry(1, "val name: String", "Its name."),
            entry(1, "fun open(by: String, times: Int = 2): Boolean", "Opens it, slowly.\n\nTwice."),
            entry(1, "fun silent()", ""),
        ]
    );
}

#[test]
fn swift_and_python_comments_go_to_what_is_public() {
    let swift = "/// A door.\npublic struct Door: Sendable {\n    public typealias Element = Int\n    /// Opens it.\n    @discardableResult\n    public func open(_ by: String) async throws -> Bool {\n    }\n    let hidden: Int\n}\n\nextension Wall {\n    /// Its color.\n    public var color: String { \"red\" }\n}\n";
    let entries: Vec<(usize, String)> =
        layer::swift(swift).into_iter().map(|entry| (entry.depth, entry.declaration)).collect();
    let named = |depth, declaration: &str| (depth, declaration.to_owned());
    assert_eq!(
        entries,
        [
            named(0, "struct Door: Sendable"),
            named(1, "func open(_ by: String) async throws -> Bool"),
            named(0, "extension Wall"),
            named(1, "var color: String"),
        ]
    );
    let python = "class Door:\n    \"\"\"A door.\n\n    Of wood.\n    \"\"\"\n\n    def __init__(self) -> None:\n        pass\n\n    @property\n    def color(self) -> str:\n        \"\"\"Red.\"\"\"\n\n    async def open(\n        self,\n        by: str,\n    ) -> bool:\n        return True\n\nclass Hidden:\n    def no(self) -> None:\n        pass\n";
    let exported = layer::python_exports("__all__ = [\n    \"Door\",\n    \"x\",\n]\n");
    let entries: Vec<(String, String)> =
        layer::python(python, &exported).into_iter().map(|entry| (entry.declaration, entry.text)).collect();
    let said = |declaration: &str, text: &str| (declaration.to_owned(), text.to_owned());
    assert_eq!(
        entries,
        [
            said("class Door", "A door.\n\nOf wood."),
            said("color: str", "Red."),
            said("async def open(by: str) -> bool", ""),
        ]
    );
}
