//! What is true of all calls, and is said of none of them by itself.

use utoipa::openapi::path::{Parameter, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, ResponseBuilder};

use super::super::guard::PROBES;

const PROBLEM: &str = "application/problem+json";

/// The description with that.
pub(super) fn completed(mut api: OpenApi) -> OpenApi {
    for (path, item) in &mut api.paths.paths {
        names(path, item);
        refusals(path, item);
        answers(item);
    }
    let components = api.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    // None is needed by who can open the socket.
    api.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], _>("token", []), SecurityRequirement::default()]);
    api
}

/// Programs that are made from the description have one name for each call: `postSessionDeviceOpen`.
fn names(path: &str, item: &mut PathItem) {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '.']).filter(|part| !["", "v1"].contains(part)) {
        match part.strip_prefix('{') {
            // One of those that the part before it names.
            Some(one) => {
                parts.pop();
                parts.push(one.trim_end_matches('}'));
            }
            None => parts.push(part),
        }
    }
    let parts: String = parts.iter().flat_map(|part| part.split('-')).map(capital).collect();
    let PathItem { get, put, post, delete, .. } = item;
    for (method, call) in [("get", get), ("put", put), ("post", post), ("delete", delete)] {
        if let Some(call) = call {
            call.operation_id = Some(format!("{method}{parts}"));
        }
    }
}

/// What any call of its kind can be refused for, before it is looked at.
fn refusals(path: &str, item: &mut PathItem) {
    for call in [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten() {
        let mut all = vec!["403"];
        if !PROBES.contains(&path) {
            all.push("401");
        }
        if call.request_body.is_some() {
            all.extend(["400", "408", "413", "503"]);
        }
        let is_of_query =
            |it: &RefOr<Parameter>| matches!(it, RefOr::T(it) if matches!(it.parameter_in, ParameterIn::Query));
        if call.parameters.iter().flatten().any(is_of_query) {
            all.push("400");
        }
        if path.contains("{session}") {
            all.push("404");
        }
        if path.contains("{device}") {
            all.extend(["409", "500"]);
            if call.request_body.is_some() {
                // PINs that are none, or that a service does not allow.
                all.push("422");
            }
        }
        let problem = || Content::builder().schema(Some(Ref::from_schema_name("ProblemBody"))).build();
        for status in all {
            let answers = &mut call.responses.responses;
            answers
                .entry(status.to_owned())
                .or_insert_with(|| RefOr::T(ResponseBuilder::new().content("application/json", problem()).build()));
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// Each answer is described, and those that are no successes have a media type of their own.
fn answers(item: &mut PathItem) {
    let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
    for (status, response) in operations.into_iter().flatten().flat_map(|it| &mut it.responses.responses) {
        let RefOr::T(response) = response else { continue };
        if response.description.is_empty() {
            meaning(status).clone_into(&mut response.description);
        }
        if status.starts_with(['4', '5'])
            && let Some(body) = response.content.shift_remove("application/json")
        {
            response.content.insert(PROBLEM.to_owned(), body);
        }
    }
}

/// What a status means where a call says nothing else of it.
fn meaning(status: &str) -> &'static str {
    match status {
        "200" => "Done.",
        "201" => "It is made.",
        "204" => "Done; there is nothing to say.",
        "400" => "The call is malformed.",
        "401" => "The call has no token, or another one.",
        "403" => "A web page calls, or the emulator was started without that: see `code`.",
        "404" => "There is no such session, device, token or the like.",
        "408" => "The body did not arrive in time, or what was waited for did not become true: see `code`.",
        "409" => "It is there already, or cannot be done as things are.",
        "410" => "The session has ended meanwhile.",
        "413" => "The body is too long.",
        "422" => "The server or the holder refused, or the device cannot do it as it is.",
        "429" => "There are as many as there may be.",
        "500" => "A defect of the program, or what keeps its devices fails.",
        "502" => "The server cannot be reached.",
        "503" => "Others send so much that there is no room for this one.",
        "504" => "Nobody knows yet whether it was done: ask for the status.",
        _ => "See `code`.",
    }
}
