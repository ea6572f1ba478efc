//! `/auth/account`: the accounts of a subscription, for administrators.

use std::collections::BTreeMap;

use axum::Json;
use serde_json::{Map, Value, json};

use crate::admin::{Account, AccountChange, NewPerson};
use crate::domain::account::{AccountKind, AccountRights, AccountState, EMAIL_MAX, NAME_MAX, SETTINGS_MAX};
use crate::domain::permission::Permission;
use crate::http::Problem;
use crate::http::call::{Call, Mounted, mount};
use crate::http::form::Form;
use crate::http::page::{CURSOR, LIMIT, Page};
use crate::http::route::{IDEMPOTENCY, Kind, Parameter, Reach, Route, SUBSCRIPTION};
use crate::password::MOST;

/// The greatest number that an account can have.
const NUMBER_MAX: u64 = (1 << 53) - 1;

const ACCOUNT: Parameter = Parameter::required("account", Kind::Number { least: 1, most: NUMBER_MAX });
const LOGIN: Parameter = Parameter::optional("login", Kind::Text { least: 1, most: EMAIL_MAX });
const NAME: Parameter = Parameter::required("name", Kind::Text { least: 1, most: NAME_MAX });
const NEW_NAME: Parameter = Parameter::optional("name", Kind::Text { least: 1, most: NAME_MAX });
const EMAIL: Parameter = Parameter::optional("email", Kind::OrNull(&Kind::Text { least: 3, most: EMAIL_MAX }));
const PASSWORD: Parameter = Parameter::required("password", Kind::Text { least: 1, most: MOST });
const FIRST_PASSWORD: Parameter = Parameter::optional("password", Kind::Text { least: 1, most: MOST });
const ADMIN: Parameter = Parameter::optional("admin", Kind::Flag);
const NOPUBLIC: Parameter = Parameter::optional("nopublic", Kind::Flag);
const GROUPS: Parameter = Parameter::optional("groups", Kind::Flags);
const PERMISSIONS: Parameter = Parameter::optional("permissions", Kind::Flags);
const SETTINGS: Parameter = Parameter::optional("settings", Kind::Object(SETTINGS_MAX));
const CONTACT: Parameter =
    Parameter::optional("contact", Kind::OrNull(&Kind::Number { least: 0, most: i32::MAX as u64 }));
const KIND: Parameter = Parameter::optional("kind", Kind::Word(&["employee", "guest"]));
const STATE: Parameter = Parameter::optional("state", Kind::Word(&["active", "suspended", "left"]));

#[rustfmt::skip]
static LIST: Route = Route::get("/auth/account/list", Permission::Accounts, &[SUBSCRIPTION, LOGIN, CURSOR, LIMIT])
    .within(Reach::Subscription);
static SHOW: Route =
    Route::get("/auth/account", Permission::Accounts, &[SUBSCRIPTION, ACCOUNT]).within(Reach::Subscription);
#[rustfmt::skip]
static CREATE: Route = Route::post("/auth/account/create", Permission::Accounts, &[
    SUBSCRIPTION, NAME, EMAIL, FIRST_PASSWORD, ADMIN, NOPUBLIC, GROUPS, PERMISSIONS, SETTINGS, CONTACT, KIND, IDEMPOTENCY,
])
.within(Reach::Subscription);
#[rustfmt::skip]
static UPDATE: Route = Route::post("/auth/account/update", Permission::Accounts, &[
    SUBSCRIPTION, ACCOUNT, NEW_NAME, EMAIL, ADMIN, NOPUBLIC, GROUPS, PERMISSIONS, SETTINGS, CONTACT, KIND, STATE,
])
.within(Reach::Subscription);
static SET_PASSWORD: Route =
    Route::post("/auth/account/password", Permission::Accounts, &[SUBSCRIPTION, ACCOUNT, PASSWORD])
        .within(Reach::Subscription);
static SIGN_OUT: Route =
    Route::post("/auth/account/logout", Permission::Accounts, &[SUBSCRIPTION, ACCOUNT]).within(Reach::Subscription);
static DELETE: Route =
    Route::post("/auth/account/delete", Permission::Accounts, &[SUBSCRIPTION, ACCOUNT]).within(Reach::Subscription);

pub(super) fn calls() -> Vec<Mounted> {
    vec![
        mount(&LIST, list),
        mount(&SHOW, show),
        mount(&CREATE, create),
        mount(&UPDATE, update),
        mount(&SET_PASSWORD, set_password),
        mount(&SIGN_OUT, sign_out),
        mount(&DELETE, delete),
    ]
}

/// By number; with `login` only the one that signs in with this.
async fn list(call: Call) -> Result<Json<Value>, Problem> {
    let (page, subscription) = (Page::of(&call)?, call.form.needed(SUBSCRIPTION.name)?);
    if let Some(login) = call.form.text(LOGIN.name) {
        let found = match call.api.admin.account_called(subscription, login).await.map_err(Problem::from) {
            Ok(account) => vec![body(&account)],
            Err(Problem::UnknownAccount) => Vec::new(),
            Err(problem) => return Err(problem),
        };
        return Ok(page.answer(&call, found, None));
    }
    let after = page.after_number()?.unwrap_or(0);
    let mut found = call.api.admin.list_accounts(subscription, after, page.limit + 1).await?;
    let last = page.cut(&mut found).map(|account| account.number.to_le_bytes());
    Ok(page.answer(&call, found.iter().map(body).collect(), last.as_ref().map(<[u8; 8]>::as_slice)))
}

async fn show(call: Call) -> Result<Json<Value>, Problem> {
    let account = call.api.admin.account(call.form.needed(SUBSCRIPTION.name)?, number(&call)).await?;
    Ok(Json(body(&account)))
}

/// What is left out has its default. Without a password nobody can sign in with one.
async fn create(call: Call) -> Result<Json<Value>, Problem> {
    let form = &call.form;
    let new = NewPerson {
        email: form.text(EMAIL.name).map(str::to_owned),
        password: form.text(FIRST_PASSWORD.name).map(|password| password.to_owned().into()),
        rights: AccountRights {
            admin: form.flag(ADMIN.name).unwrap_or_default(),
            restricted: form.flag(NOPUBLIC.name).unwrap_or_default(),
            groups: groups(form)?.unwrap_or_default(),
            words: form.flags(PERMISSIONS.name).cloned().unwrap_or_default(),
        },
        kind: kind(form).unwrap_or_default(),
        contact: contact(form),
        settings: form.object(SETTINGS.name).cloned().unwrap_or_default(),
        ..NewPerson::new(form.needed(SUBSCRIPTION.name)?, form.needed(NAME.name)?)
    };
    let said = call.api.admin.create_account_once(new, call.by(), call.once(), |made| body(made).to_string()).await?;
    call.said(&said)
}

/// What is left out stays.
async fn update(call: Call) -> Result<Json<Value>, Problem> {
    let form = &call.form;
    let change = AccountChange {
        name: form.text(NEW_NAME.name).map(str::to_owned),
        email: form.has(EMAIL.name).then(|| form.text(EMAIL.name).map(str::to_owned)),
        admin: form.flag(ADMIN.name),
        restricted: form.flag(NOPUBLIC.name),
        groups: groups(form)?,
        words: form.flags(PERMISSIONS.name).cloned(),
        kind: kind(form),
        state: form.text(STATE.name).and_then(|word| AccountState::ALL.into_iter().find(|it| it.name() == word)),
        contact: form.has(CONTACT.name).then(|| contact(form)),
        settings: form.object(SETTINGS.name).cloned(),
    };
    let subscription = form.needed(SUBSCRIPTION.name)?;
    let account = call.api.admin.update_account(subscription, number(&call), change, call.by()).await?;
    Ok(Json(body(&account)))
}

/// What the account was signed in with is over.
async fn set_password(call: Call) -> Result<Json<Value>, Problem> {
    let (subscription, password) = (call.form.needed(SUBSCRIPTION.name)?, call.form.needed(PASSWORD.name)?);
    call.api.admin.set_password(subscription, number(&call), password, call.by()).await?;
    Ok(Json(json!({ "changed": true })))
}

/// Ends everything that the account was signed in with.
async fn sign_out(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.end_sessions(call.form.needed(SUBSCRIPTION.name)?, number(&call), call.by()).await?;
    Ok(Json(json!({ "ended": true })))
}

async fn delete(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.delete_account(call.form.needed(SUBSCRIPTION.name)?, number(&call), call.by()).await?;
    Ok(Json(json!({ "deleted": true })))
}

fn number(call: &Call) -> u64 {
    call.form.number(ACCOUNT.name).unwrap_or_default()
}

fn kind(form: &Form) -> Option<AccountKind> {
    form.text(KIND.name).and_then(|word| AccountKind::ALL.into_iter().find(|it| it.name() == word))
}

/// The table keeps the number within its range.
fn contact(form: &Form) -> Option<u32> {
    form.number(CONTACT.name).and_then(|number| u32::try_from(number).ok())
}

fn groups(form: &Form) -> Result<Option<BTreeMap<u32, bool>>, Problem> {
    let wrong = |_| Problem::bad_call("`groups` must be an object of numbers of groups with `true` or `false`");
    let Some(flags) = form.flags(GROUPS.name) else { return Ok(None) };
    let groups = flags.iter().map(|(group, writes)| group.parse().map(|group| (group, *writes)).map_err(wrong));
    groups.collect::<Result<_, _>>().map(Some)
}

fn body(account: &Account) -> Value {
    let rights = &account.rights;
    let groups: Map<_, _> = rights.groups.iter().map(|(group, writes)| (group.to_string(), (*writes).into())).collect();
    json!({
        "account": account.number,
        "name": account.name.as_str(),
        "email": account.email.as_ref().map(ToString::to_string),
        "kind": account.kind.name(),
        "state": account.state.name(),
        "admin": rights.admin,
        "nopublic": rights.restricted,
        "groups": groups,
        "permissions": rights.words,
        "contact": account.contact,
        "settings": account.settings,
        "hasPassword": account.password.is_some(),
        "passwordSetAt": account.password.as_ref().map(|_| account.password_at.get()),
        "wrongPasswords": account.failures,
        "createdAt": account.created_at.get(),
    })
}
