//! The frame of all calls of the token API: form (400), then authkey (403), then what is asked for (404).

use std::future::Future;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde_json::Value;

use super::form::Form;
use super::origin::Origin;
use super::route::{IDEMPOTENCY, Reach, Route, SERVICE, SUBSCRIPTION, Verb};
use super::throttle::Trying;
use super::{Api, Problem, body, credentials};
use crate::admin::{Access, AccessScope, Actor, AdminError, Credential, Repeatable, Repeater, Service};
use crate::domain::name::{ServiceName, UserId};
use crate::domain::permission::Permission;

/// No answer is kept with a password, nor with a hash of one that costs nothing.
const PASSWORD: &str = "password";

/// A call of the table and what answers it.
pub(super) type Mounted = (&'static Route, MethodRouter<Arc<Api>>);

/// A call whose form is right and that may be made with what it carries.
pub(super) struct Call {
    pub(super) api: Arc<Api>,
    pub(super) route: &'static Route,
    pub(super) form: Form,
    pub(super) access: Access,
    /// What the call came with, for those that ask for it again.
    pub(super) caller: Caller,
}

/// What a call carries, and from where it comes.
#[derive(Clone)]
pub(super) struct Caller {
    credential: Credential,
    origin: Origin,
}

impl Call {
    /// Checks what the call carries.
    ///
    /// # Errors
    /// It allows no such call there, or there is no such place.
    pub(super) async fn admit(
        api: Arc<Api>,
        route: &'static Route,
        mut form: Form,
        headers: &HeaderMap,
        origin: Origin,
    ) -> Result<Self, Problem> {
        let credential = credentials::credential(form.take_authkey(), headers)?;
        let mut caller = Caller { credential, origin };
        let access = caller.admit(&api, route, &form).await?;
        if let Some(limits) = &api.call_limits {
            limits.call(access.by, &caller.credential)?;
        }
        caller.credential = api.admin.settle(&access, caller.credential).await?;
        Ok(Self { api, route, form, access, caller })
    }

    /// Checks again whether the call may be made.
    ///
    /// # Errors
    /// As for a new call.
    pub(super) async fn is_still_admitted(&self) -> Result<(), Problem> {
        self.caller.admit(&self.api, self.route, &self.form).await.map(drop)
    }

    /// The service that the call is about.
    ///
    /// # Errors
    /// It is about something else.
    pub(super) fn service(&self) -> Result<&Service, Problem> {
        Ok(self.access.service()?)
    }

    /// Who calls.
    pub(super) const fn by(&self) -> Actor {
        self.access.by
    }

    /// The user that the call is about.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn user(&self) -> Result<UserId, Problem> {
        UserId::parse(self.form.needed("id")?).map_err(|error| Problem::bad_call(error.to_string()))
    }

    /// The answer that an administrative call keeps for callers who ask again.
    ///
    /// # Errors
    /// It is no JSON.
    pub(super) fn said(&self, said: &str) -> Result<Json<Value>, Problem> {
        serde_json::from_str(said).map(Json).map_err(|error| {
            tracing::error!(%error, path = self.route.path, "a kept answer is no JSON");
            Problem::Internal
        })
    }

    /// What makes the call safe to repeat, if its caller wants that.
    pub(super) fn once(&self) -> Option<Repeatable> {
        let key = self.form.text(IDEMPOTENCY.name)?.to_owned();
        let asked = self.form.canonical(&[IDEMPOTENCY.name, PASSWORD]);
        let caller = match self.access.by {
            Actor::Authkey(number) => Repeater::Authkey(number),
            Actor::Account(number) => Repeater::Account(number),
            Actor::Device(_) | Actor::Operator | Actor::System => return None,
        };
        Some(Repeatable { caller, call: self.route.path, key, asked })
    }
}

impl Caller {
    async fn admit(&self, api: &Api, route: &Route, form: &Form) -> Result<Access, Problem> {
        let named;
        let one_of = "name a `service` or a `subscription`, one of them";
        let scope = match (route.reach, form.text(SERVICE.name), form.text(SUBSCRIPTION.name)) {
            (Reach::Service, ..) => AccessScope::Service(form.needed(SERVICE.name)?),
            (Reach::ServiceToBe, ..) => {
                named = ServiceName::parse(form.needed(SERVICE.name)?).map_err(AdminError::from)?;
                AccessScope::Subscription(named.subscription())
            }
            (Reach::Subscription, ..) => AccessScope::Subscription(form.needed(SUBSCRIPTION.name)?),
            (Reach::ServiceOrSubscription, Some(service), None) => AccessScope::Service(service),
            (Reach::ServiceOrSubscription | Reach::SubscriptionOrInstance, None, Some(name)) => {
                AccessScope::Subscription(name)
            }
            (Reach::ServiceOrSubscription, ..) => return Err(Problem::bad_call(one_of)),
            (Reach::SubscriptionOrInstance | Reach::Instance, ..) => AccessScope::Instance,
        };
        allowed(api, scope, &self.credential, route.permission, self.origin).await
    }
}

/// Whether a call may act there: the one check of everything that carries something. Wrong passwords are counted.
///
/// # Errors
/// As [`Admin::authorize`](crate::admin::Admin::authorize); there were too many wrong passwords.
pub(super) async fn allowed(
    api: &Api,
    scope: AccessScope<'_>,
    credential: &Credential,
    permission: Permission,
    origin: Origin,
) -> Result<Access, Problem> {
    let subscription = match scope {
        AccessScope::Service(name) => name.split('_').next().unwrap_or_default(),
        AccessScope::Subscription(name) => name,
        AccessScope::Instance => "",
    };
    let counted = match (credential, &api.sign_in_limits) {
        (Credential::Basic { login, .. }, Some(limits)) => {
            Some(limits.count(Trying { from: origin.0, subscription, login, appsecret: None })?)
        }
        _ => None,
    };
    let access = api.admin.authorize(scope, credential, permission, origin.0).await;
    if let (Some(counted), Ok(_)) = (counted, &access) {
        counted.forget();
    }
    Ok(access?)
}

/// Lets `answer` answer the calls of `route`.
pub(super) fn mount<F, T>(route: &'static Route, answer: impl Fn(Call) -> F + Clone + Send + Sync + 'static) -> Mounted
where
    F: Future<Output = Result<T, Problem>> + Send + 'static,
    T: IntoResponse + 'static,
{
    let handler = move |State(api): State<Arc<Api>>, origin: Origin, uri: Uri, headers: HeaderMap, body: Body| {
        let answer = answer.clone();
        async move {
            let form = match route.verb {
                Verb::Get => Form::of_query(route, uri.query())?,
                Verb::Post => Form::of_body(route, &body::read_post(&uri, body, api.limits).await?)?,
            };
            let call = Call::admit(api, route, form, &headers, origin).await?;
            Ok::<Response, Problem>(answer(call).await?.into_response())
        }
    };
    (route, by_verb(route.verb, handler))
}

/// Serves `handler` for this method.
pub(super) fn by_verb<T: 'static>(verb: Verb, handler: impl Handler<T, Arc<Api>>) -> MethodRouter<Arc<Api>> {
    match verb {
        Verb::Get => get(handler),
        Verb::Post => post(handler),
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::BadCall(message) => Self::BadCall(message),
            AdminError::Forbidden => Self::Forbidden,
            AdminError::NoService => Self::UnknownService,
            AdminError::NoSubscription => Self::UnknownSubscription,
            AdminError::NoToken => Self::UnknownToken,
            AdminError::NoConfirmation => Self::UnknownConfirmation,
            AdminError::NoDevice => Self::UnknownDevice,
            AdminError::NoAuthkey => Self::UnknownAuthkey,
            AdminError::NoAccount => Self::UnknownAccount,
            AdminError::NoApplication => Self::UnknownApplication,
            // Longer than a call of a webhook takes.
            AdminError::TooMany => Self::TooMany { retry_after: 15 },
            error if error.is_transient() => {
                tracing::warn!(%error, "a call could not be served now");
                Self::Unavailable
            }
            error => {
                tracing::error!(%error, "a call failed");
                Self::Internal
            }
        }
    }
}
