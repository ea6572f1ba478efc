use super::*;

fn error(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn a_file_is_read_with_the_places_of_everything() {
    let node = read("a: 1\nb:\n  - x\n  - \"2\"\n").unwrap();
    let fields = node.fields(&["a", "b"]).unwrap();
    assert_eq!(fields.need("a").unwrap().number(), Ok(1));
    let list = fields.need("b").unwrap().list();
    assert_eq!(list[0].text(), Ok("x"));
    assert_eq!(list[1].place, Place { line: 4, column: 5 });
    assert_eq!(list[1].text(), Ok("2"));
    assert!(list[1].number().is_err(), "with quotation marks it is a text");
}

#[test]
fn json_is_read_too() {
    let node = read(r#"{"rules": [{"times": 2, "on": "x"}], "x": null}"#).unwrap();
    let fields = node.fields(&["rules", "x"]).unwrap();
    assert!(fields.need("x").unwrap().is_null());
    let rule = fields.need("rules").unwrap().list()[0].fields(&["times", "on"]).unwrap();
    assert_eq!(rule.need("on").unwrap().text(), Ok("x"));
}

#[test]
fn a_slip_is_found_with_its_place_and_what_was_meant() {
    let node = read("steps: []\ntimse: 3\n").unwrap();
    let error = node.fields(&["steps", "times"]).unwrap_err();
    assert_eq!(error.to_string(), "line 2, column 1: there is no field `timse` here: did you mean `times`?");
    assert_eq!(read("open: b\nopen: c").unwrap_err().to_string(), "line 2, column 1: `open` is there twice");
    let node = read("word: opne").unwrap();
    let word = node.fields(&["word"]).unwrap().need("word").unwrap();
    let error = word.one_of(&[("open", 1), ("closed", 2)]).unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 7: `opne` is not known here: did you mean `open`?");
    let error = node.fields(&["word"]).unwrap().need("steps").unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 1: the field `steps` is missing");
}

#[test]
fn what_is_no_such_file_is_refused() {
    for text in ["", "   \n# nothing\n", "---\n...\n"] {
        assert!(error(text).ends_with("there is nothing in the file"), "{text:?} {}", error(text));
    }
    assert!(error("a: 1\n---\nb: 2\n").contains("more than one document"), "{}", error("a: 1\n---\nb: 2\n"));
    for text in ["a: &x 1", "- &x 1\n- *x", "a: !tag 1", "a: *x", "? [a]\n: 1"] {
        assert!(read(text).is_err(), "{text}");
    }
    for text in ["a: [1", "a: \"", "{", "a: b: c", "- [}", "%YAML 9"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn a_file_cannot_use_up_stack_or_memory() {
    for depth in [40, 5_000, 200_000] {
        assert!(read(&"[".repeat(depth)).is_err());
        assert!(read(&format!("{}{}", "[".repeat(depth), "]".repeat(depth))).is_err());
        assert!(read(&"- ".repeat(depth)).is_err());
    }
    assert!(error(&"x".repeat(LONGEST + 1)).contains("longer than"));
    assert!(error(&"- a\n".repeat(MOST)).contains("too much"));
}

#[test]
fn times_have_a_unit_and_an_end() {
    let time = |text: &str| read(text).unwrap().duration();
    assert_eq!(time("250ms").unwrap(), Duration::from_millis(250));
    assert_eq!(time("10m").unwrap(), Duration::from_secs(600));
    assert_eq!(time("7d").unwrap(), Duration::from_secs(7 * 86_400));
    for text in ["10", "s", "1.5s", "-1s", "1 s", "1y", "99999999999999999999s", "4000000000d", "[1s]"] {
        assert!(time(text).is_err(), "{text}");
    }
    assert_eq!(read("90s").unwrap().seconds(), Ok(90));
    assert!(read("1500ms").unwrap().seconds().is_err());
}

#[test]
fn numbers_are_what_they_are_needed_to_be() {
    let node = |text: &str| read(text).unwrap();
    assert_eq!(node("0.25").fraction(), Ok(0.25));
    for text in ["1.1", "-0.1", "nan", "x", "\"0.5\""] {
        assert!(node(text).fraction().is_err(), "{text}");
    }
    assert_eq!(node("300").small::<u16>("a port"), Ok(300));
    assert!(node("300").small::<u8>("a count").is_err());
    for text in ["-1", "1.0", "0x10", "true", "\"1\"", "18446744073709551616"] {
        assert!(node(text).number().is_err(), "{text}");
    }
}
