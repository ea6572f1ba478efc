//! The commands about subscriptions, services and authkeys.

use std::path::PathBuf;

use cardea_protocol::token::ShortString;
use clap::{ArgGroup, Args, Subcommand};

use super::{ListArgs, Settings};
use crate::domain::rules::{RulesChange, parse_short_string};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SubscriptionCommand {
    /// Create a subscription: a tenant with services and authkeys of its own.
    Create(SubscriptionArgs),
    /// List the subscriptions.
    List(ListArgs),
    /// Delete a subscription without services, and revoke its authkeys.
    Delete(SubscriptionArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SubscriptionArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// 1 to 32 of a-z, 0-9 and `-`.
    pub(in crate::cli) name: String,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ServiceCommand {
    /// Create a service.
    Create(ServiceArgs),
    /// List the services.
    List(ListArgs),
    /// Print all settings of a service.
    Show(ServiceShowArgs),
    /// Change the named settings of a service.
    Update(ServiceArgs),
    /// Delete a service without tokens, and revoke its authkeys.
    Delete(ServiceDeleteArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ServiceArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// <subscription>_<service>, for example default_vpn.
    pub(in crate::cli) name: String,
    #[command(flatten)]
    pub(in crate::cli) rules: RulesArgs,
    /// What people see instead of the name; empty: the name.
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) label: Option<String>,
    /// Deliver the events of its tokens to this https address; empty: nowhere. The secret that signs them is shown once.
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) webhook: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// The settings of a service. What is not named is as it was, or as the default says.
#[derive(Debug, Args)]
pub(in crate::cli) struct RulesArgs {
    /// How long an opening lasts, in seconds; 0: until the first check that answers 1 [default: 60].
    #[arg(long, value_name = "SECONDS")]
    window: Option<u32>,
    /// With a window of 0: how long an unused opening lasts, in seconds [default: 60].
    #[arg(long, value_name = "SECONDS")]
    lifetime: Option<u32>,
    /// Wrong PINs until a device is blocked, at most 10 [default: 10].
    #[arg(long, value_name = "COUNT")]
    tries: Option<u8>,
    /// Lift such a block after this many seconds; 0: only an administrator does [default: 0].
    #[arg(long, value_name = "SECONDS")]
    unblock_after: Option<u32>,
    /// Allow duress PINs [default: true].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    duress: Option<bool>,
    /// Do not allow duress PINs.
    #[arg(long, conflicts_with = "duress")]
    no_duress: bool,
    /// Under duress answer 1 and 2 as if nothing were wrong, instead of 3 [default: false].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    silent_alarm: Option<bool>,
    /// Let devices use biometrics [default: false].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    biometric: Option<bool>,
    /// Take emulated devices [default: true].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    emulated: Option<bool>,
    /// Refuse emulated devices.
    #[arg(long, conflicts_with = "emulated")]
    no_emulated: bool,
    /// Fewest digits of a PIN, at least 6 [default: 6].
    #[arg(long, value_name = "DIGITS")]
    pin_min: Option<u8>,
    /// Most digits of a PIN, at most 12 [default: 12].
    #[arg(long, value_name = "DIGITS")]
    pin_max: Option<u8>,
    /// A short string that holder and administrator compare at enrollment: off, shown, or required before the token can
    /// be used [default: off].
    #[arg(long, value_name = "HOW", value_parser = short_string)]
    short_string: Option<ShortString>,
    /// How long an enrollment may take, in seconds [default: 600].
    #[arg(long, value_name = "SECONDS")]
    enrollment_seconds: Option<u32>,
    /// How many devices a token may have, at most 8 [default: 1].
    #[arg(long, value_name = "COUNT")]
    devices: Option<u8>,
    /// Tell devices with a live session that somebody has checked their closed token [default: false].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tell_checks: Option<bool>,
}

fn short_string(text: &str) -> Result<ShortString, String> {
    parse_short_string(text).map_err(|error| error.to_string())
}

impl RulesArgs {
    /// What they say.
    pub(in crate::cli) fn change(&self) -> RulesChange {
        RulesChange {
            window: self.window,
            opening_lifetime: self.lifetime,
            duress: if self.no_duress { Some(false) } else { self.duress },
            silent_alarm: self.silent_alarm,
            biometric: self.biometric,
            emulated: if self.no_emulated { Some(false) } else { self.emulated },
            pin_min: self.pin_min,
            pin_max: self.pin_max,
            attempts: self.tries,
            unblock_after: self.unblock_after,
            short_string: self.short_string,
            enrollment_seconds: self.enrollment_seconds,
            devices: self.devices,
            tell_checks: self.tell_checks,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ServiceShowArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// <subscription>_<service>, for example default_vpn.
    pub(in crate::cli) name: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ServiceDeleteArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// <subscription>_<service>, for example default_vpn.
    pub(in crate::cli) name: String,
    /// Delete its tokens too.
    #[arg(long)]
    pub(in crate::cli) force: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum WebhookCommand {
    /// Print how deliveries to the webhook of a service stand.
    Show(ServiceShowArgs),
    /// Send one event of type webhook.test, now and once, and say whether it arrived.
    Test(ServiceShowArgs),
    /// Replace the secret that signs deliveries, and print the new one. It is shown once; for a day both sign.
    Secret(ServiceShowArgs),
    /// Begin deliveries again that ended after too many failures; what happened meanwhile is delivered, too.
    Enable(ServiceShowArgs),
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuthkeyCommand {
    /// Create an authkey and print it. It is shown once.
    Create(AuthkeyCreateArgs),
    /// List the authkeys, without their values.
    List(ListArgs),
    /// Replace an authkey by one with another value, and print that. It is shown once.
    Rotate(AuthkeyRotateArgs),
    /// Revoke an authkey.
    Revoke(AuthkeyRevokeArgs),
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("scope").args(["service", "subscription", "instance"]).required(true)))]
pub(in crate::cli) struct AuthkeyCreateArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// The service that it is for.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) service: Option<String>,
    /// The subscription whose services it is all for.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) subscription: Option<String>,
    /// It is for everything, subscriptions included.
    #[arg(long)]
    pub(in crate::cli) instance: bool,
    /// A name to know it by.
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) name: String,
    /// basic (status only), admin (everything), or a list of status, enroll, delete, block, duress, close, history,
    /// confirm, events, services, audit, accounts.
    #[arg(long, value_name = "LIST", default_value = "basic")]
    pub(in crate::cli) permissions: String,
    /// The Unix time in seconds at which it is no longer good.
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) expires_at: Option<u64>,
    /// A network that calls with it must come from, as in 192.0.2.0/24; up to 16 times.
    #[arg(long = "network", value_name = "CIDR")]
    pub(in crate::cli) networks: Vec<String>,
    /// Take the value from this file, `-` for standard input, instead of making one up.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) value_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AuthkeyRotateArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// The id that `authkey list` shows.
    pub(in crate::cli) id: String,
    /// How many seconds the old value stays good, at most 30 days.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(in crate::cli) overlap: u32,
    /// Take the new value from this file, `-` for standard input, instead of making one up.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) value_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AuthkeyRevokeArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// The id that `authkey list` shows.
    pub(in crate::cli) id: String,
}
