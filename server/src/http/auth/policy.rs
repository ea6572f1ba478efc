//! `/auth/policy`: what a subscription asks of those who sign in, for administrators.

use axum::Json;
use serde_json::{Value, json};

use crate::admin::PolicyChange;
use crate::domain::permission::Permission;
use crate::domain::policy::{BLOCKED_MAX, BLOCKED_WORD_MAX, LEAST_MOST, SignInPolicy};
use crate::http::Problem;
use crate::http::call::{Call, Mounted, mount};
use crate::http::route::{Kind, Parameter, Reach, Route, SUBSCRIPTION};
use crate::password::LEAST_ALONE;

const LEAST: Parameter =
    Parameter::optional("passwordLeast", Kind::Number { least: LEAST_ALONE as u64, most: LEAST_MOST as u64 });
const BLOCKED: Parameter = Parameter::optional(
    "blockedWords",
    Kind::OrNull(&Kind::List { most: BLOCKED_MAX, each: &Kind::Text { least: 1, most: BLOCKED_WORD_MAX } }),
);

static SHOW: Route = Route::get("/auth/policy", Permission::Accounts, &[SUBSCRIPTION]).within(Reach::Subscription);
static UPDATE: Route = Route::post("/auth/policy/update", Permission::Accounts, &[SUBSCRIPTION, LEAST, BLOCKED])
    .within(Reach::Subscription);

pub(super) fn calls() -> Vec<Mounted> {
    vec![mount(&SHOW, show), mount(&UPDATE, update)]
}

async fn show(call: Call) -> Result<Json<Value>, Problem> {
    Ok(Json(body(&call.api.admin.policy(call.form.needed(SUBSCRIPTION.name)?).await?)))
}

/// What is left out stays.
async fn update(call: Call) -> Result<Json<Value>, Problem> {
    let form = &call.form;
    let blocked = |name: &str| form.texts(name).into_iter().flatten().map(str::to_owned).collect();
    let change = PolicyChange {
        // The table keeps the number within its range.
        password_least: form.number(LEAST.name).and_then(|number| u16::try_from(number).ok()),
        blocked: form.has(BLOCKED.name).then(|| blocked(BLOCKED.name)),
    };
    let policy = call.api.admin.update_policy(form.needed(SUBSCRIPTION.name)?, change, call.by()).await?;
    Ok(Json(body(&policy)))
}

fn body(policy: &SignInPolicy) -> Value {
    json!({ "passwordLeast": policy.password_least, "blockedWords": policy.blocked })
}
