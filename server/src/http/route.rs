//! The table of calls: what every call of the token API takes and what it needs.
//!
//! [`Form`](super::form::Form) reads calls by this table, [`Call`](super::call::Call) checks authkeys by it, tests walk
//! over it, and the description of the API is compared with it. A call that is not in the table cannot be served.

use crate::domain::permission::Permission;

/// GET, with query parameters only, or POST, with a JSON body only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Changes nothing but what asking for a status changes.
    Get,
    /// Changes something.
    Post,
}

/// What the authkey of a call has to be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The service that the parameter `service` names.
    Service,
    /// The subscription of the service that the parameter `service` names, which need not exist.
    ServiceToBe,
    /// The subscription that the parameter `subscription` names.
    Subscription,
    /// What the parameter `service` or `subscription` names; a call has one of them.
    ServiceOrSubscription,
    /// The subscription that the parameter `subscription` names; without it, the whole instance.
    SubscriptionOrInstance,
    /// The whole instance.
    Instance,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A user id: any text of 1 to 255 bytes.
    User,
    /// The API name of a service.
    Service,
    /// The name of a subscription.
    Subscription,
    /// An authkey. One that no authkey can be is refused with 403, not here.
    Authkey,
    /// Another value, or `null`.
    OrNull(&'static Self),
    /// An object of names with `true` or `false`.
    Flags,
    /// Any object, of at most so many bytes of JSON.
    Object(usize),
    /// Text of so many bytes; without control characters.
    Text {
        /// Fewest bytes.
        least: usize,
        /// Most bytes.
        most: usize,
    },
    /// A URL of at most so many bytes, or `null`.
    UrlOrNull(usize),
    /// One of these words.
    Word(&'static [&'static str]),
    /// So many bytes in hexadecimal.
    Hex(usize),
    /// 1 to 64 of `[A-Za-z0-9_-]`.
    Idempotency,
    /// What an answer called `next`.
    Cursor,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number {
        /// The least.
        least: u64,
        /// The greatest.
        most: u64,
    },
    /// A list of values.
    List {
        /// Most values; one at least.
        most: usize,
        /// Each of them.
        each: &'static Self,
    },
    /// An object with these members.
    Record(&'static [Parameter]),
    /// One of these.
    Either(&'static [Self]),
}

/// A query parameter or JSON member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it looks like.
    pub kind: Kind,
    /// Whether a call without it is refused. Some calls need one of two; that is for the call itself to say.
    pub required: bool,
}

impl Parameter {
    /// One that a call must have.
    #[must_use]
    pub const fn required(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: true }
    }

    /// One that a call may have.
    #[must_use]
    pub const fn optional(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: false }
    }
}

/// The user id that a call is about.
pub(super) const ID: Parameter = Parameter::required("id", Kind::User);
/// The service that a call is about.
pub(super) const SERVICE: Parameter = Parameter::required("service", Kind::Service);
/// The service that a call is about, where it may be about a subscription.
pub(super) const SOME_SERVICE: Parameter = Parameter::optional("service", Kind::Service);
/// The subscription that a call is about, where it may be about something else.
pub(super) const SOME_SUBSCRIPTION: Parameter = Parameter::optional("subscription", Kind::Subscription);
/// The subscription that a call is about.
pub(super) const SUBSCRIPTION: Parameter = Parameter::required("subscription", Kind::Subscription);
/// The authkey. Every call takes it, so no call lists it. Not required: the Authorization header does as well.
pub(super) const AUTHKEY: Parameter = Parameter::optional("authKey", Kind::Authkey);
/// Makes a call that creates something safe to repeat.
pub(super) const IDEMPOTENCY: Parameter = Parameter::optional("idempotencyKey", Kind::Idempotency);

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Its method.
    pub verb: Verb,
    /// Its path.
    pub path: &'static str,
    /// What the authkey must be good for.
    pub reach: Reach,
    /// What the authkey must allow there.
    pub permission: Permission,
    /// What it takes, apart from `authKey`, which every call takes.
    pub parameters: &'static [Parameter],
}

impl Route {
    /// A GET about what `service` names.
    pub(super) const fn get(path: &'static str, permission: Permission, parameters: &'static [Parameter]) -> Self {
        Self { verb: Verb::Get, path, reach: Reach::Service, permission, parameters }
    }

    /// A POST about what `service` names.
    pub(super) const fn post(path: &'static str, permission: Permission, parameters: &'static [Parameter]) -> Self {
        Self { verb: Verb::Post, ..Self::get(path, permission, parameters) }
    }

    /// The same about something else than a service.
    pub(super) const fn within(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// All that the call takes, `authKey` last.
    pub fn all_parameters(&self) -> impl Iterator<Item = &'static Parameter> {
        self.parameters.iter().chain(std::iter::once(&AUTHKEY))
    }
}
