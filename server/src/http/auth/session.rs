//! `/{instance}/auth/v1`: signing in, what one is signed in with, and signing out.

use std::future::Future;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::fields::Fields;
use crate::admin::{Account, AdminError, Credential, SignIn, SignInRefusal, WhoIs};
use crate::clock::UnixSeconds;
use crate::http::origin::Origin;
use crate::http::problem::{Challenge, Lacks, Problem};
use crate::http::query::Query;
use crate::http::throttle::Trying;
use crate::http::{Api, body, credentials};

/// `/`: what the caller is signed in with, or only whether.
pub(super) fn base() -> MethodRouter<Arc<Api>> {
    let refuse = async || Problem::Method { allow: "GET, HEAD, OPTIONS" };
    get(show).head(verify).options(async || preflight("GET, HEAD")).fallback(refuse)
}

/// `/login`.
pub(super) fn login() -> MethodRouter<Arc<Api>> {
    let refuse = async || Problem::Method { allow: "POST, OPTIONS" };
    post(sign_in).options(async || preflight("POST")).fallback(refuse)
}

/// `/logout`.
pub(super) fn logout() -> MethodRouter<Arc<Api>> {
    let refuse = async || Problem::Method { allow: "GET, OPTIONS" };
    get(sign_out).head(refuse).options(async || preflight("GET")).fallback(refuse)
}

/// What a browser asks before it lets a page of another origin call.
fn preflight(methods: &'static str) -> impl IntoResponse {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, methods),
        (ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type"),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers)
}

/// The answer to who has signed in, with its members in this order.
#[derive(Serialize)]
struct Token<'a> {
    user: u64,
    application: Option<u64>,
    token: &'a str,
    identifier: &'a str,
    expdate: Option<u64>,
}

/// `POST /login`, as a form or as JSON.
async fn sign_in(
    State(api): State<Arc<Api>>,
    Path(instance): Path<String>,
    origin: Origin,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut fields = Fields::read(&headers, &body::read_post(&uri, body, api.limits).await?)?;
    let call = SignIn {
        subscription: instance.clone(),
        login: fields.needed("name")?.as_str().to_owned(),
        password: fields.needed("password")?,
        identifier: fields.needed("identifier")?.as_str().to_owned(),
        appsecret: fields.text("appsecret")?,
        expires_at: fields.number("expdate")?.map(UnixSeconds::new),
    };
    let (login, appsecret) = (call.login.clone(), call.appsecret.clone());
    let appsecret = appsecret.as_ref().map(|secret| secret.as_str());
    let trying = Trying { from: origin.0, subscription: &instance, login: &login, appsecret };
    let made = counted(&api, trying, api.admin.sign_in(call)).await?;
    let token = Token {
        user: made.session.account,
        application: made.session.application,
        token: &made.token,
        identifier: &made.session.identifier,
        expdate: made.session.expires_at.map(UnixSeconds::get),
    };
    Ok(Json(token).into_response())
}

/// `GET /`: who the caller is; with `access=1` what they may do, with `settings=1` what applications keep about them.
async fn show(
    State(api): State<Arc<Api>>,
    Path(instance): Path<String>,
    origin: Origin,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let mut query = Query::parse(uri.query(), ["access", "settings"])?;
    let (access, settings) = (switch(query.take(0), "access")?, switch(query.take(1), "settings")?);
    let WhoIs { account, with } = caller(&api, &instance, origin, &headers).await?;
    let application = with.and_then(|with| with.application());
    let mut info = about(&account, application);
    if access {
        info.extend(rights(&account));
    }
    if settings {
        info.insert("settings".to_owned(), account.settings.into());
    }
    Ok(Json(info.into()))
}

/// `HEAD /`: whether the caller is signed in.
async fn verify(
    State(api): State<Arc<Api>>,
    Path(instance): Path<String>,
    origin: Origin,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    caller(&api, &instance, origin, &headers).await.map(|_| StatusCode::NO_CONTENT)
}

/// `GET /logout`: ends the token that the call carries, if it carries one.
async fn sign_out(
    State(api): State<Arc<Api>>,
    Path(instance): Path<String>,
    origin: Origin,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    match credentials::authorization(&headers)? {
        Some(Credential::Bearer(token)) => {
            api.admin.sign_out(&instance, &token).await.map_err(|refusal| refused(refusal, &instance))?;
            Ok(StatusCode::RESET_CONTENT)
        }
        Some(_) => caller(&api, &instance, origin, &headers).await.map(|_| StatusCode::NO_CONTENT),
        None => Ok(StatusCode::NO_CONTENT),
    }
}

/// Who calls, by bearer token or by name and password.
async fn caller(api: &Api, instance: &str, origin: Origin, headers: &HeaderMap) -> Result<WhoIs, Problem> {
    match credentials::authorization(headers)? {
        Some(Credential::Bearer(token)) => {
            api.admin.who_is(instance, &token).await.map_err(|refusal| refused(refusal, instance))
        }
        Some(Credential::Basic { login, password }) => {
            let trying = Trying { from: origin.0, subscription: instance, login: &login, appsecret: None };
            counted(api, trying, api.admin.who_is_with_password(instance, &login, &password)).await
        }
        Some(_) => Err(Problem::bad_call("the Authorization header must be `Bearer TOKEN` or `Basic PAIR`")),
        None => Err(Problem::Unauthorized(Challenge::new(Lacks::Everything).at(instance))),
    }
}

/// Does something that takes a password, within the limits on wrong ones.
pub(super) async fn counted<T>(
    api: &Api,
    trying: Trying<'_>,
    work: impl Future<Output = Result<T, SignInRefusal>>,
) -> Result<T, Problem> {
    let counted = api.sign_in_limits.as_ref().map(|limits| limits.count(trying)).transpose()?;
    let done = work.await;
    // A call that was wrong otherwise told nobody whether the password was right.
    if let (Some(counted), true) = (counted, !matches!(done, Err(SignInRefusal::Credentials))) {
        counted.forget();
    }
    done.map_err(|refusal| refused(refusal, trying.subscription))
}

pub(super) fn refused(refusal: SignInRefusal, instance: &str) -> Problem {
    match refusal {
        SignInRefusal::Credentials => Problem::Unauthorized(Challenge::new(Lacks::Password).at(instance)),
        SignInRefusal::Token => Problem::Unauthorized(Challenge::new(Lacks::Token).at(instance)),
        // Who comes on top of those that wait.
        SignInRefusal::Failed(AdminError::TooMany) => Problem::Busy,
        SignInRefusal::Failed(error) => error.into(),
    }
}

fn about(account: &Account, application: Option<u64>) -> Map<String, Value> {
    let language = account.settings.get("lang").and_then(Value::as_str);
    let info = json!({
        "auth": { "user": account.number, "application": application, "lang": language },
        "user": account.number,
        "contact": account.contact,
        "name": account.name.as_str(),
        "email": account.email.as_ref().map(ToString::to_string),
    });
    if let Value::Object(info) = info { info } else { Map::new() }
}

fn rights(account: &Account) -> [(String, Value); 5] {
    let rights = &account.rights;
    let groups = rights.groups.iter().map(|(group, writes)| (group.to_string(), (*writes).into()));
    [
        ("admin".to_owned(), rights.admin.into()),
        ("nopublic".to_owned(), rights.restricted.into()),
        // Every account may do all that it may do by API, and has nothing else.
        ("apionly".to_owned(), false.into()),
        ("groups".to_owned(), groups.collect::<Map<_, _>>().into()),
        ("permissions".to_owned(), json!(rights.words)),
    ]
}

/// A switch of a query: `1` or `0`, also `true` or `false`.
fn switch(value: Option<String>, name: &str) -> Result<bool, Problem> {
    match value.as_deref() {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(_) => Err(Problem::bad_call(format!("`{name}` must be zero or one"))),
    }
}
