//! `GET /token/status` without the router: the plain form of the call, about what is known already. Everything else,
//! and every answer that is not 200, is left to the router.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response};
use bytes::Bytes;

use super::throttle::{Addresses, CallLimits};
use super::token::status_body;
use crate::admin::Admin;
use crate::domain::status::TokenStatus;
use crate::metrics::{Counter, Metrics};

/// The only path that is asked this often.
pub(super) const PATH: &str = "/token/status";

/// Answers calls for statuses.
#[derive(Debug)]
pub struct StatusDesk {
    admin: Arc<Admin>,
    limits: Option<Arc<CallLimits>>,
    hits: Counter,
    misses: Counter,
}

impl StatusDesk {
    pub(super) fn new(admin: Arc<Admin>, limits: Option<Arc<CallLimits>>) -> Self {
        Self { admin, limits, hits: Counter::default(), misses: Counter::default() }
    }

    /// The same, which counts in `metrics` how often it has an answer.
    #[must_use]
    pub fn with_metrics(self, metrics: &Metrics) -> Self {
        let (hits, misses) = (
            metrics.counter("cardea_status_cache_hits_total", "Statuses that were answered from memory.", &[]),
            metrics.counter("cardea_status_cache_misses_total", "Calls for a status that were not.", &[]),
        );
        Self { hits, misses, ..self }
    }

    /// The answer to `request`, which came from `client`; `None` is for the router.
    pub(super) fn answer<B>(
        &self,
        request: &Request<B>,
        client: impl FnOnce(&HeaderMap) -> Option<IpAddr>,
        addresses: Option<&Addresses>,
    ) -> Option<Response<Bytes>> {
        if request.method() != Method::GET || request.uri().path() != PATH {
            return None;
        }
        let answer = self.known(request, client, addresses);
        if answer.is_some() { &self.hits } else { &self.misses }.add();
        answer
    }

    fn known<B>(
        &self,
        request: &Request<B>,
        client: impl FnOnce(&HeaderMap) -> Option<IpAddr>,
        addresses: Option<&Addresses>,
    ) -> Option<Response<Bytes>> {
        let [user, service, authkey] = parse(request.uri().query()?)?;
        let client = client(request.headers())?;
        let known = self.admin.find(service, user, authkey, Some(client))?;
        addresses.map_or(Ok(()), |addresses| addresses.admit(client, known.now())).ok()?;
        let told = self.admin.tell(&known)?;
        if let Some(limits) = &self.limits {
            limits.known_call(&known, authkey).ok()?;
            limits.known_check(&known, user).ok()?;
        }
        self.admin.told(&known, &told);
        Some(respond(&told.status))
    }
}

fn respond(status: &TokenStatus) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(status_body(status).as_bytes()));
    let headers = response.headers_mut();
    headers.reserve(2);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The values of `id`, `service` and `authKey`, when each is there once, nothing else is, and nothing is encoded.
fn parse(query: &str) -> Option<[&str; 3]> {
    if query.as_bytes().contains(&b'%') {
        return None;
    }
    let mut values = [""; 3];
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=')?;
        let place = match name {
            "id" => &mut values[0],
            "service" => &mut values[1],
            "authKey" => &mut values[2],
            _ => return None,
        };
        if !place.is_empty() || value.is_empty() {
            return None;
        }
        *place = value;
    }
    values.iter().all(|value| !value.is_empty()).then_some(values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::query::Query;

    fn slow(query: &str) -> Option<[String; 3]> {
        let mut query = Query::parse(Some(query), ["id", "service", "authKey"]).ok()?;
        Some([query.take(0)?, query.take(1)?, query.take(2)?])
    }

    #[test]
    fn only_the_plain_form_is_read_here() {
        assert_eq!(parse("id=joe+t&service=a_b&authKey=k"), Some(["joe+t", "a_b", "k"]));
        assert_eq!(parse("authKey=k=1&id=José&service=a_b"), Some(["José", "a_b", "k=1"]));
        for query in [
            "",
            "id=joe",
            "id=joe&service=a_b",
            "id=&service=a_b&authKey=k",
            "id=a&id=a&service=b&authKey=k",
            "id=%41&service=b&authKey=k",
            "id=a&service=b&authKey=k&",
            "id=a&service=b&authKey=k&x=1",
            "ID=a&service=b&authKey=k",
            "id&service=b&authKey=k",
        ] {
            assert_eq!(parse(query), None, "{query}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_here_is_what_the_router_would_read(
            query in "((id|service|authKey|id|x)(=[a-z%é+=&]{0,3})?&?){0,5}"
        ) {
            if let Some(values) = parse(&query) {
                prop_assert_eq!(Some(values.map(str::to_owned)), slow(&query));
            }
        }

        #[test]
        fn every_plain_call_is_read_here(values in prop::array::uniform3("[^%&#]{1,20}"), first in 0_usize..3) {
            let names = ["id", "service", "authKey"];
            let pair = |at: usize| format!("{}={}", names[at % 3], values[at % 3]);
            let query = format!("{}&{}&{}", pair(first), pair(first + 1), pair(first + 2));
            prop_assert_eq!(parse(&query).map(|values| values.map(str::to_owned)), Some(values.clone()));
            prop_assert_eq!(slow(&query), Some(values));
        }
    }
}
