//! The frame of all calls of the token API: form (400), then authkey (403), then what is asked for (404).

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;

use super::form::Form;
use super::origin::Origin;
use super::route::{Reach, Route, SERVICE, Verb};
use super::{Api, Problem, body, credentials, only_get, only_post};
use crate::admin::{AccessScope, Actor, AdminError, Service};
use crate::domain::name::UserId;

/// A call of the table and what answers it.
pub(super) type Mounted = (&'static Route, MethodRouter<Arc<Api>>);

/// A call whose form is right and whose authkey allows it.
pub(super) struct Call {
    pub(super) api: Arc<Api>,
    pub(super) form: Form,
    pub(super) service: Service,
    pub(super) by: Actor,
}

impl Call {
    async fn admit(
        api: Arc<Api>,
        route: &Route,
        mut form: Form,
        headers: &HeaderMap,
        origin: Origin,
    ) -> Result<Self, Problem> {
        let authkey = credentials::authkey(form.take_authkey(), headers)?;
        let scope = match route.reach {
            Reach::Service => AccessScope::Service(form.needed(SERVICE.name)?),
        };
        let access = api.admin.authorize(scope, &authkey, route.permission, origin.0).await?;
        if let Some(limits) = &api.call_limits {
            limits.call(&authkey)?;
        }
        let (service, by) = (access.service()?.clone(), access.by);
        Ok(Self { api, form, service, by })
    }

    /// The user that the call is about.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn user(&self) -> Result<UserId, Problem> {
        UserId::parse(self.form.needed("id")?).map_err(|error| Problem::bad_call(error.to_string()))
    }
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

/// Serves `handler` for this method and refuses all others.
pub(super) fn by_verb<T: 'static>(verb: Verb, handler: impl Handler<T, Arc<Api>>) -> MethodRouter<Arc<Api>> {
    match verb {
        Verb::Get => only_get(handler),
        Verb::Post => only_post(handler),
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
            AdminError::NoDevice => Self::UnknownDevice,
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
