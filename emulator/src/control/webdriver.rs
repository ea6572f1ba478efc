//! The same calls in the form of WebDriver, for suites whose bindings send commands of their own beside those for a page:
//! `POST /session/{session}/token/device` and so on. Nothing is done here that the control API does not do.
//!
//! What differs is the form: answers are `{"value": …}`, errors are `{"value": {"error": "invalid argument", …}}`.

use axum::Json;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Shared;
use super::api::{devices, operations, presence, process, sessions, wait};
use super::extract::{Body, InSession};
use super::problem::Problem;
use super::wire::{NewDevice, NewSession};
use crate::exit;
use crate::json;
use crate::suggest::nearest;

/// The capability that says that there are tokens here.
const CAPABILITY: &str = "cardea:virtualTokens";
/// What begins the names of all of ours.
const PREFIX: &str = "cardea:";
/// What bindings ask of every remote end. Here is no page, and so they are about nothing.
const OF_BROWSERS: [&str; 12] = [
    "acceptInsecureCerts",
    "browserName",
    "browserVersion",
    "pageLoadStrategy",
    "platformName",
    "proxy",
    "setWindowRect",
    "strictFileInteractability",
    "timeouts",
    "unhandledPromptBehavior",
    "userAgent",
    "webSocketUrl",
];
/// Longest answer that is put into the other form.
const LONGEST: usize = 64 << 20;

/// The calls.
pub(super) fn routes() -> Router<Shared> {
    const DEVICE: &str = "/session/{session}/token/device/{device}";
    let of = |what: &str| format!("{DEVICE}/{what}");
    Router::new()
        .route("/status", get(status))
        .route("/session", post(begin))
        .route("/session/{session}", delete(sessions::end))
        .route("/session/{session}/token/device", get(devices::list).post(add))
        .route(DEVICE, get(devices::show).delete(devices::remove))
        .route(&of("enroll"), post(devices::enroll))
        .route(&of("open"), post(operations::open))
        .route(&of("close"), post(operations::close))
        .route(&of("status"), post(operations::status))
        .route(&of("confirmations"), get(operations::confirmations))
        .route(&of("approve"), post(operations::approve))
        .route(&of("deny"), post(operations::deny))
        .route(&of("wait"), post(wait::on_device))
        .route(&of("network"), get(devices::network).post(devices::set_network))
        .route(&of("presence"), get(presence::show).post(presence::set))
        .route(&of("presence/next"), post(presence::next).delete(presence::clear_next))
        .route(&of("prompts"), get(presence::prompts))
        .route(&of("prompts/{prompt}"), post(presence::answer))
}

/// Whether a path is one of WebDriver's.
fn is_ours(path: &str) -> bool {
    path == "/status" || path == "/session" || path.starts_with("/session/")
}

/// Gives answers to calls of WebDriver's paths its form, those of who never got as far, too.
pub(super) async fn translated(request: Request, next: Next) -> Response {
    let is_ours = is_ours(request.uri().path());
    let answer = next.run(request).await;
    if is_ours { translate(answer).await } else { answer }
}

async fn translate(answer: Response) -> Response {
    let (head, body) = answer.into_parts();
    let bytes = to_bytes(body, LONGEST).await.unwrap_or_default();
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let (status, value) = match head.status {
        status if status.is_success() => (StatusCode::OK, value),
        status => failed(status, value),
    };
    let mut answer = Json(json!({ "value": value })).into_response();
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(allow) = head.headers.get("allow") {
        answer.headers_mut().insert("allow", allow.clone());
    }
    answer
}

/// A problem as an error of WebDriver.
fn failed(status: StatusCode, mut problem: Value) -> (StatusCode, Value) {
    let code = problem["code"].as_str().unwrap_or_default().to_owned();
    let exit = problem["exit"].as_u64().and_then(|exit| u8::try_from(exit).ok()).unwrap_or(exit::INTERNAL);
    let (status, error) = match (code.as_str(), exit) {
        ("no-token" | "elsewhere", _) => (status, "unknown error"),
        ("no-session" | "session-ended", _) => (StatusCode::NOT_FOUND, "invalid session id"),
        ("no-path", _) => (StatusCode::NOT_FOUND, "unknown command"),
        ("method", _) => (StatusCode::METHOD_NOT_ALLOWED, "unknown method"),
        ("default-session" | "faults-not-allowed", _) => (StatusCode::INTERNAL_SERVER_ERROR, "unsupported operation"),
        ("not-created" | "too-many", _) => (StatusCode::INTERNAL_SERVER_ERROR, "session not created"),
        (_, exit::NOT_YET) | ("too-slow", _) => (StatusCode::INTERNAL_SERVER_ERROR, "timeout"),
        ("device-exists", _) | (_, exit::USAGE | exit::UNKNOWN) => (StatusCode::BAD_REQUEST, "invalid argument"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "unknown error"),
    };
    let message = problem["detail"].take();
    let mut data = Map::new();
    for (name, value) in problem.as_object_mut().into_iter().flatten() {
        if !matches!(name.as_str(), "detail" | "status" | "title" | "type") {
            data.insert(name.clone(), value.take());
        }
    }
    (status, json!({ "error": error, "message": message, "stacktrace": "", "data": data }))
}

/// Whether sessions can be made.
async fn status(State(shared): State<Shared>) -> Json<Value> {
    let is_ready = process::ready(State(shared)).await.is_ok();
    Json(json!({ "ready": is_ready, "message": "the Cardea emulator" }))
}

/// What somebody wants of a session.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[derive(Default)]
struct Wanted {
    capabilities: Map<String, Value>,
    /// What bindings of old send beside it.
    desired_capabilities: Option<Value>,
}

/// What is wanted in any case, and choices of what is wanted beside it, of which the first that can be is taken.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Capabilities {
    always_match: Map<String, Value>,
    first_match: Option<Vec<Map<String, Value>>>,
}

/// Begins a session of its own for a test.
async fn begin(State(shared): State<Shared>, Body(wanted): Body<Wanted>) -> Result<Json<Value>, Problem> {
    let _ = wanted.desired_capabilities;
    let new = chosen(read(Value::Object(wanted.capabilities))?)?;
    let (_, Json(view)) = sessions::make(State(shared), Body(new)).await?;
    let name = json!(view)["session"].take();
    Ok(Json(json!({ "sessionId": name, "capabilities": { CAPABILITY: true } })))
}

/// The first choice that can be. All of them have to be well-formed, whichever is taken.
fn chosen(wanted: Capabilities) -> Result<NewSession, Problem> {
    let Capabilities { always_match, first_match } = wanted;
    let choices = first_match.unwrap_or_else(|| vec![Map::new()]);
    if choices.is_empty() {
        return Err(Problem::BadCall("firstMatch has at least one choice, {} if there is nothing to choose".into()));
    }
    let (mut chosen, mut reason) = (None, None);
    for choice in choices {
        if let Some(twice) = choice.keys().find(|name| always_match.contains_key(*name)) {
            return Err(Problem::BadCall(format!("{twice:?} is in alwaysMatch and in firstMatch: say it once")));
        }
        match settings(always_match.clone().into_iter().chain(choice)) {
            Ok(new) => chosen = chosen.or(Some(new)),
            Err(problem @ Problem::NotCreated(_)) => reason = reason.or(Some(problem)),
            Err(problem) => return Err(problem),
        }
    }
    chosen.ok_or_else(|| reason.unwrap_or_else(|| Problem::NotCreated("no choice can be".into())))
}

/// How the session is to be: our capabilities without what they begin with. What nobody here can do is no defect of the call.
fn settings(wanted: impl Iterator<Item = (String, Value)>) -> Result<NewSession, Problem> {
    let mut settings = Map::new();
    for (name, value) in wanted {
        match name.strip_prefix(PREFIX) {
            Some("virtualTokens") if value == true => {}
            Some("virtualTokens") if value == false => {
                return Err(Problem::NotCreated(format!("{CAPABILITY} is true here")));
            }
            Some("virtualTokens") => return Err(Problem::BadCall(format!("{CAPABILITY} is true or false"))),
            Some(ours) => {
                settings.insert(ours.to_owned(), value);
            }
            None if OF_BROWSERS.contains(&name.as_str()) || value.is_null() => {}
            None if name.contains(':') => {
                return Err(Problem::NotCreated(format!("nobody here has the capability {name:?}")));
            }
            None => {
                let meant = nearest(&name, OF_BROWSERS.into_iter().chain([CAPABILITY]));
                let meant = meant.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
                return Err(Problem::BadCall(format!("there is no capability {name:?} here{meant}")));
            }
        }
    }
    read(Value::Object(settings))
}

/// Makes a device, and says its id, as WebDriver does. Without a name it gets one.
async fn add(
    state: State<Shared>,
    session: InSession,
    Body(mut new): Body<Map<String, Value>>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if !new.contains_key("name") {
        let free = (1..).map(|number| format!("device-{number}")).find(|name| session.0.device(name).is_err());
        new.insert("name".to_owned(), json!(free));
    }
    let new: NewDevice = read(Value::Object(new))?;
    let name = new.name.clone();
    let (status, _) = devices::make(state, session, Body(new)).await?;
    Ok((status, Json(json!(name))))
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    json::from_value(value).map_err(Problem::BadCall)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(value: &Value) -> Result<NewSession, Problem> {
        chosen(read(json!({ "alwaysMatch": value }))?)
    }

    #[test]
    fn the_first_choice_that_can_be_is_taken_and_none_may_be_malformed() {
        let chosen = |value: Value| read(value).and_then(chosen).map(|new| (new.seed, new.lease_ms));
        let both = json!({ "alwaysMatch": { "cardea:seed": 1 }, "firstMatch": [{ "cardea:virtualTokens": false },
            { "goog:chromeOptions": {} }, { "cardea:leaseMs": 500 }, { "cardea:leaseMs": 600 }] });
        assert_eq!(chosen(both).unwrap(), (Some(1), Some(500)));
        assert_eq!(chosen(json!({})).unwrap(), (None, None));
        for (value, is_malformed, said) in [
            (json!({ "firstMatch": [] }), true, "at least one"),
            (json!({ "firstMatch": {} }), true, "firstMatch: "),
            (json!({ "alwaysMatch": { "cardea:seed": 1 }, "firstMatch": [{ "cardea:seed": 1 }] }), true, "say it once"),
            (json!({ "firstMatch": [{}, { "cardea:sed": 1 }] }), true, "did you mean `seed`?"),
            (json!({ "firstMatch": [{ "cardea:virtualTokens": 1 }] }), true, "true or false"),
            (json!({ "firstMatch": [{ "goog:x": 1 }, { "cardea:virtualTokens": false }] }), false, "\"goog:x\""),
        ] {
            let problem = chosen(value).unwrap_err();
            assert_eq!(matches!(problem, Problem::BadCall(_)), is_malformed, "{problem}");
            assert!(problem.to_string().contains(said), "{problem}");
        }
    }

    #[test]
    fn our_capabilities_are_read_and_those_of_browsers_passed_over() {
        let all = json!({
            CAPABILITY: true, "cardea:seed": 7, "cardea:leaseMs": 500, "browserName": "chrome", "se:x": null,
        });
        let new = wanted(&all).unwrap();
        assert_eq!((new.seed, new.lease_ms), (Some(7), Some(500)));
        for (value, said) in [
            (json!({ "cardea:sed": 7 }), "did you mean `seed`?"),
            (json!({ "goog:chromeOptions": {} }), "nobody here has the capability \"goog:chromeOptions\""),
            (json!({ "cardea:virtualTokens": false }), "is true here"),
            (json!({ "browsername": "x" }), "did you mean \"browserName\"?"),
        ] {
            let Err(problem) = wanted(&value) else { panic!("accepted: {value}") };
            assert!(problem.to_string().contains(said), "{problem}");
        }
    }

    #[test]
    fn problems_have_the_words_of_webdriver() {
        let of = |code: &str, exit: u8| {
            let problem = json!({ "type": "about:blank", "title": "x", "status": 418, "detail": "d", "code": code, "number": 0, "exit": exit });
            let (status, value) = failed(StatusCode::IM_A_TEAPOT, problem);
            assert_eq!((&value["message"], &value["data"]["code"]), (&json!("d"), &json!(code)));
            assert!(value["data"].get("detail").is_none());
            (status.as_u16(), value["error"].as_str().unwrap().to_owned())
        };
        for (code, exit, status, error) in [
            ("no-session", exit::UNKNOWN, 404, "invalid session id"),
            ("bad-call", exit::USAGE, 400, "invalid argument"),
            ("no-device", exit::UNKNOWN, 400, "invalid argument"),
            ("default-session", exit::USAGE, 500, "unsupported operation"),
            ("not-yet", exit::NOT_YET, 500, "timeout"),
            ("cancelled", exit::REFUSED, 500, "unknown error"),
            ("no-path", exit::USAGE, 404, "unknown command"),
            ("no-token", exit::USAGE, 418, "unknown error"),
        ] {
            assert_eq!(of(code, exit), (status, error.to_owned()), "{code}");
        }
    }

    #[test]
    fn only_paths_of_webdriver_are_in_its_form() {
        for (path, is) in [
            ("/status", true),
            ("/session", true),
            ("/session/s1/x", true),
            ("/sessions", false),
            ("/v1/sessions", false),
        ] {
            assert_eq!(is_ours(path), is, "{path}");
        }
    }
}
