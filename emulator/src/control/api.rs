//! The calls.

mod description;
pub(super) mod devices;
mod faults;
mod journal;
pub(super) mod operations;
pub(super) mod presence;
pub(super) mod process;
mod replay;
#[cfg(feature = "embedded-server")]
mod scenario;
pub(super) mod sessions;
mod state;
mod trace;
pub(super) mod wait;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse as _;
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use super::calls::Held;
use super::guard::Guard;
use super::problem::{Problem, ProblemBody};
use super::{Shared, webdriver};
use description::completed;

/// Longest body: that of a picture.
const BODY_MAX: usize = 6 << 20;
/// The same where a whole trace is in it.
const TRACE_MAX: usize = 64 << 20;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cardea emulator: control API",
        description = "Drives emulated devices. Answers that are no successes are RFC 9457 problems, with a word in \
                       `code` that stays the same. Over HTTP every call needs `Authorization: Bearer` with the token of \
                       the emulator's token file; whoever can open the socket needs none.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(ProblemBody)),
    tags(
        (name = "process", description = "The emulator itself."),
        (name = "sessions", description = "What is kept apart: each test has a session of its own."),
        (name = "devices", description = "The devices of a session, and what they are told to do."),
        (name = "presence", description = "Who holds a device, and what they do when they are asked."),
        (name = "state", description = "What sessions and devices were at a moment: kept, made so again, copied."),
        (name = "faults", description = "What goes wrong on purpose, in an emulator that was started with --allow-faults."),
        (name = "evidence", description = "What happened, and waiting for it."),
    ),
)]
struct Description;

pub(super) fn router(shared: Shared, guard: Option<Guard>) -> Router {
    let (router, description) = all().split_for_parts();
    let text = completed(description).to_json().unwrap_or_default();
    let described = async move || ([(axum::http::header::CONTENT_TYPE, "application/json")], text);
    let (calls, log, room) = (shared.calls.clone(), shared.log.clone(), shared.room.clone());
    let router = router
        .route("/v1/openapi.json", axum::routing::get(described))
        .merge(webdriver::routes())
        .fallback(async || Problem::NoPath)
        .method_not_allowed_fallback(async || Problem::Method)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(shared)
        .layer(from_fn(move |request: Request, next: Next| room.clone().answer(request, next)))
        .layer(from_fn(move |request: Request, next: Next| {
            let (call, log) = (calls.begin(), log.clone());
            // What follows the ? may be what people call their tokens.
            let said = log.hears_calls().then(|| format!("{} {}", request.method(), request.uri().path()));
            async move {
                let answer = next.run(request).await;
                if let Some(said) = said {
                    log.call(|| format!("{said}: {}", answer.status().as_u16()));
                }
                // Until its end, which of a stream comes later.
                answer.map(|body| Body::new(Held::new(body, call)))
            }
        }));
    let Some(guard) = guard else { return router };
    let guarded = router.layer(from_fn(move |request: Request, next: Next| {
        let checked = guard.check(request.uri(), request.headers());
        async move {
            match checked {
                Ok(()) => next.run(request).await,
                Err(problem) => problem.into_response(),
            }
        }
    }));
    guarded.layer(from_fn(webdriver::translated))
}

pub(super) fn description() -> String {
    completed(all().split_for_parts().1).to_pretty_json().unwrap_or_default()
}

/// What this emulator can do.
pub(super) fn capabilities() -> serde_json::Value {
    serde_json::json!(process::Capabilities::all())
}

/// All calls, each with what is said about it.
fn all() -> OpenApiRouter<Shared> {
    let all = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(process::live))
        .routes(routes!(process::ready))
        .routes(routes!(process::end))
        .routes(routes!(process::version))
        .routes(routes!(process::capabilities))
        .routes(routes!(sessions::list, sessions::make))
        .routes(routes!(sessions::show, sessions::end))
        .routes(routes!(sessions::heartbeat))
        .routes(routes!(sessions::clock, sessions::set_clock))
        .routes(routes!(sessions::advance))
        .routes(routes!(journal::journal))
        .routes(routes!(journal::events))
        .routes(routes!(wait::in_session))
        .routes(routes!(devices::list, devices::make))
        .routes(routes!(devices::show, devices::remove))
        .routes(routes!(devices::token))
        .routes(routes!(devices::tokens))
        .routes(routes!(devices::invitation))
        .routes(routes!(devices::enroll))
        .routes(routes!(devices::watch, devices::rest))
        .routes(routes!(devices::set_clock))
        .routes(routes!(devices::network, devices::set_network))
        .routes(routes!(wait::on_device))
        .routes(routes!(operations::open))
        .routes(routes!(operations::close))
        .routes(routes!(operations::status))
        .routes(routes!(operations::confirmations))
        .routes(routes!(operations::confirmation))
        .routes(routes!(operations::approve))
        .routes(routes!(operations::deny))
        .routes(routes!(operations::change_pins))
        .routes(routes!(operations::about))
        .routes(routes!(operations::siblings))
        .routes(routes!(operations::revoke))
        .routes(routes!(operations::history))
        .routes(routes!(operations::label))
        .routes(routes!(operations::unenroll))
        .routes(routes!(operations::forget))
        .routes(routes!(state::list, state::save))
        .routes(routes!(state::restore))
        .routes(routes!(state::differences))
        .routes(routes!(state::forget))
        .routes(routes!(state::copy))
        .routes(routes!(state::rename))
        .routes(routes!(state::reset))
        .routes(routes!(state::export))
        .routes(routes!(state::import))
        .routes(routes!(faults::all))
        .routes(routes!(faults::list, faults::arm, faults::replace, faults::clear))
        .routes(routes!(faults::remove))
        .routes(routes!(trace::show, trace::start, trace::stop))
        .routes(routes!(trace::lines))
        .routes(routes!(trace::packets))
        .routes(routes!(trace::keys))
        .routes(routes!(replay::replay).layer(DefaultBodyLimit::max(TRACE_MAX)))
        .routes(routes!(presence::show, presence::set))
        .routes(routes!(presence::next, presence::clear_next))
        .routes(routes!(presence::persona))
        .routes(routes!(presence::prompts))
        .routes(routes!(presence::answer));
    #[cfg(feature = "embedded-server")]
    let all = all.routes(routes!(scenario::show));
    all
}

#[cfg(feature = "embedded-server")]
#[cfg(test)]
mod tests;
