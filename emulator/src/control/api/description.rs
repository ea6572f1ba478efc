//! What is true of all calls, and is said of none of them by itself.

use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{OpenApi, RefOr};

const PROBLEM: &str = "application/problem+json";

/// The description with that.
pub(super) fn completed(mut api: OpenApi) -> OpenApi {
    for item in api.paths.paths.values_mut() {
        problems(item);
    }
    let components = api.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    // None is needed by who can open the socket.
    api.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], _>("token", []), SecurityRequirement::default()]);
    api
}

/// Answers that are no successes have a media type of their own.
fn problems(item: &mut PathItem) {
    let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
    for (status, response) in operations.into_iter().flatten().flat_map(|it| &mut it.responses.responses) {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && let Some(body) = response.content.shift_remove("application/json")
        {
            response.content.insert(PROBLEM.to_owned(), body);
        }
    }
}
