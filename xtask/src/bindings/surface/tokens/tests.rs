use super::*;

fn texts(source: &str, interpolation: (&str, char)) -> Vec<String> {
    tokens(source, interpolation).into_iter().map(|token| token.text).collect()
}

#[test]
fn comments_go_and_literals_are_one_piece() {
    let kotlin = "a /* b /* c */ d */ e // f\n\"${g(\"}\")} /* h\" 'i' '\\'' '\"' `j k` \"\"\"l\" \\\"\"\"\" 1.5e3..2";
    let wanted = [
        "a",
        "e",
        "\"${g(\"}\")} /* h\"",
        "'i'",
        "'\\''",
        "'\"'",
        "j k",
        "\"\"\"l\" \\\"\"\"\"",
        "1.5e3",
        ".",
        ".",
        "2",
    ];
    assert_eq!(texts(kotlin, ("${", '}')), wanted);
    let swift = "\"a\\(b(\")\"))\" \"\"\"\nc \\\"\"\" d\"\"\" #\"e\" \\\"# -> f";
    let wanted = ["\"a\\(b(\")\"))\"", "\"\"\"\nc \\\"\"\" d\"\"\"", "#\"e\" \\\"#", "->", "f"];
    assert_eq!(texts(swift, ("\\(", ')')), wanted);
}

#[test]
fn sources_that_break_off_come_to_an_end() {
    for source in ["\"a", "\"\"\"a", "\"\\", "\"${", "\"${\"", "/* a", "`a", "'", "'\\", "#\"a", "(", "a <"] {
        for interpolation in [("${", '}'), ("\\(", ')')] {
            let read = tokens(source, interpolation);
            assert!(read.len() <= 2, "{source}");
            for at in 0..read.len() {
                assert!(past(&read, at) <= read.len() && past_angles(&read, at) <= read.len());
            }
            let _ = (pieces(&read), spelled(&read));
        }
    }
}

#[test]
fn conditions_are_known_until_they_end() {
    let source = "a\n#if X\nb\n#elseif Y\nc\n#if Z\nd\n#endif\n#else\ne\n#endif\nf";
    let read = tokens(source, ("\\(", ')'));
    let conditions: Vec<_> = read.iter().map(|token| format!("{} {}", token.text, token.condition)).collect();
    assert_eq!(conditions, ["a ", "b X", "c !(X) && Y", "d !(X) && Y && Z", "e !(!(X) && Y)", "f "]);
}

#[test]
fn lines_are_joined_as_they_are_written_in_one() {
    let source = "fun a(\n    b: List<\n        C>,\n    d: (E)->F={ g },\n)throws :H";
    assert_eq!(spelled(&tokens(source, ("${", '}'))), "fun a(b: List< C>, d: (E) -> F = { g }) throws: H");
}
