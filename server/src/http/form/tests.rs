use proptest::prelude::*;

use super::*;
use crate::domain::permission::Permission;
use crate::http::route::{ID, IDEMPOTENCY, Kind, SERVICE};

const EACH: Kind = Kind::Record(&[ID, Parameter::optional("addDevice", Kind::Flag)]);

static ROUTE: Route = Route::post(
    "/token/x",
    Permission::Status,
    &[
        Parameter::optional("id", Kind::User),
        SERVICE,
        Parameter::optional("flag", Kind::Flag),
        Parameter::optional("limit", Kind::Number { least: 1, most: 1_000 }),
        Parameter::optional("word", Kind::Word(&["off", "shown"])),
        Parameter::optional("device", Kind::Hex(4)),
        Parameter::optional("text", Kind::Text { least: 1, most: 12 }),
        Parameter::optional("url", Kind::UrlOrNull(20)),
        Parameter::optional("users", Kind::List { most: 2, each: &EACH }),
        Parameter::optional("words", Kind::List { most: 2, each: &Kind::Text { least: 1, most: 4 } }),
        IDEMPOTENCY,
    ],
);

fn body(members: &str) -> Result<Form, Problem> {
    Form::of_body(&ROUTE, format!("{{\"service\":\"a_b\"{members}}}").as_bytes())
}

fn query(rest: &str) -> Result<Form, Problem> {
    Form::of_query(&ROUTE, Some(&format!("service=a_b{rest}")))
}

#[test]
fn values_of_every_kind_are_read() {
    let form = body(
        r#","id":"José +1","flag":true,"limit":1000,"word":"off","device":"00ff00ff","text":"a b","url":null,
           "users":[{"id":"joe"},{"id":"eve","addDevice":true}],"words":["x","y"],"idempotencyKey":"a-1","authKey":"k""#,
    );
    let mut form = form.expect("right");
    assert_eq!(form.take_authkey().as_deref(), Some("k"));
    assert_eq!(form.needed("id").map(str::to_owned), Ok("José +1".to_owned()));
    assert_eq!((form.flag("flag"), form.number("limit")), (Some(true), Some(1_000)));
    assert_eq!((form.text("word"), form.text("device")), (Some("off"), Some("00ff00ff")));
    assert!(form.has("url") && form.text("url").is_none());
    let users: Vec<_> =
        form.records("users").expect("given").map(|user| (user.text("id"), user.flag("addDevice"))).collect();
    assert_eq!(users, [(Some("joe"), None), (Some("eve"), Some(true))]);
    assert_eq!(form.texts("words").expect("given").collect::<Vec<_>>(), ["x", "y"]);
    let form = query("&id=Jos%C3%A9+1&flag=false&limit=007&word=shown").expect("right");
    assert_eq!((form.text("id"), form.flag("flag"), form.number("limit")), (Some("José+1"), Some(false), Some(7)));
}

#[test]
fn what_is_not_as_the_table_says_is_refused_by_name() {
    for (member, bad) in [
        ("id", &["\"\"", "null", "7", "[\"a\"]", "{}", "true"][..]),
        ("flag", &["\"true\"", "0", "null"]),
        ("limit", &["0", "1001", "-1", "1.5", "\"5\"", "1e3", "18446744073709551616", "null"]),
        ("word", &["\"Off\"", "\"\"", "0"]),
        ("device", &["\"00FF00FF\"", "\"00ff\"", "\"00ff00ffaa\"", "\"00ff00fg\""]),
        ("text", &["\"\"", "\"0123456789abc\"", "\"a\\u0000\"", "\"a\\nb\"", "\"a\\u0085\""]),
        ("url", &["\"\"", "7", "\"https://example.org/abc\""]),
        ("users", &["[]", "{}", "[1]", "[\"joe\"]", "[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]", "[null]"]),
        ("words", &["[]", "[\"a\",\"b\",\"c\"]", "[\"abcde\"]", "[7]", "\"a\""]),
        ("idempotencyKey", &["\"\"", "\"a b\"", "\"ä\"", "7"]),
        ("authKey", &["7", "null", "[]"]),
    ] {
        for bad in bad {
            let problem = body(&format!(",\"{member}\":{bad}")).expect_err(bad).to_string();
            assert!(problem.contains(&format!("`{member}` must be")), "{member} {bad}: {problem}");
            assert!(!problem.contains('1'), "{problem}");
        }
        let good = if member == "flag" { "true" } else { "\"x\"" };
        let twice = body(&format!(",\"{member}\":{good},\"{member}\":{good}")).expect_err("repeated").to_string();
        assert!(twice.contains("repeated") || twice.contains("must be"), "{member}: {twice}");
    }
    let long = body(&format!(",\"id\":\"{}\"", "é".repeat(128))).expect_err("too long").to_string();
    assert!(long.contains("`id` must be"), "{long}");
}

#[test]
fn missing_repeated_and_unknown_members_are_refused_at_any_depth() {
    for (members, said) in [
        (",\"service\":\"a_b\"", "`service` is repeated"),
        (",\"authKey\":\"k\",\"authKey\":\"k\"", "`authKey` is repeated"),
        (",\"extra1\":7", "something other than"),
        (",\"ID\":\"joe\"", "something other than"),
        (",\"users\":[{\"id\":\"a\",\"id\":\"b\"}]", "`id` is repeated"),
        (",\"users\":[{\"id\":\"a\",\"extra1\":7}]", "something other than `id`, `addDevice`;"),
        (",\"users\":[{}]", "`id` is missing"),
        (",\"users\":[{\"id\":\"a\",\"addDevice\":7}]", "`addDevice` must be"),
        (",\"limit\":{\"a\":1,\"a\":1}", "`limit` must be"),
    ] {
        let problem = body(members).expect_err(members).to_string();
        assert!(problem.contains(said) && !problem.contains('1'), "{members}: {problem}");
    }
    for text in ["", "null", "[]", "7", "{", "{}{}", "{\"service\":\"a_b\"}x", "\u{feff}{\"service\":\"a_b\"}"] {
        let problem = Form::of_body(&ROUTE, text.as_bytes()).expect_err(text).to_string();
        assert!(problem.contains("must be one JSON object with"), "{text}: {problem}");
    }
    assert_eq!(Form::of_body(&ROUTE, b"{}").expect_err("empty").to_string(), "`service` is missing");
    assert!(Form::of_body(&ROUTE, b"{\"service\":\"a_b\",\"id\":\"\xff\"}").is_err());
    for text in
        ["&id=a&id=a", "&x", "&", "&id=%zz", "&id=%ff", "&limit=+5", "&limit=", "&limit=5x", "&flag=yes", "&url="]
    {
        assert!(!query(text).expect_err(text).to_string().contains('1'), "{text}");
    }
    assert_eq!(Form::of_query(&ROUTE, None).expect_err("empty").to_string(), "`service` is missing");
}

#[test]
fn forms_that_say_the_same_are_the_same() {
    let one = body(r#","limit":5,"id":"a","idempotencyKey":"x","authKey":"k""#).expect("right");
    let other = body(r#", "authKey":"other", "id" : "\u0061" ,"limit":5,"idempotencyKey":"y""#).expect("right");
    assert_eq!(one.canonical(&["idempotencyKey"]), other.canonical(&["idempotencyKey"]));
    for different in [r#","limit":6,"id":"a""#, r#","limit":5"#, r#","limit":5,"id":"a","flag":false"#] {
        assert_ne!(one.canonical(&["idempotencyKey"]), body(different).expect("right").canonical(&["idempotencyKey"]));
    }
}

proptest! {
    #[test]
    fn nothing_that_is_sent_comes_back_in_an_error(text in "[a-z]{12,40}") {
        for members in [format!(",\"{text}\":7"), format!(",\"limit\":\"{text}\""), format!(",\"word\":\"{text}\"")] {
            prop_assert!(!body(&members).expect_err("wrong").to_string().contains(&text));
        }
        let unknown = query(&format!("&{text}=7")).expect_err("wrong").to_string();
        prop_assert!(!unknown.contains(&text));
    }

    #[test]
    fn no_body_and_no_query_panics_and_no_error_contains_the_digit_one(text in "\\PC{0,80}|[\\[\\]{}\",:0-9a-z]{0,60}") {
        for result in [Form::of_body(&ROUTE, text.as_bytes()), Form::of_query(&ROUTE, Some(&text)), body(&text)] {
            if let Err(problem) = result {
                prop_assert!(!problem.to_string().contains('1'), "{}", problem);
            }
        }
    }
}
