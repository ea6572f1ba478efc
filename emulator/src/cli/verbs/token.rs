//! What is done with tokens.

use std::io::{self, BufRead as _, Read as _};
use std::path::Path;

use base64ct::{Base64, Encoding as _};
use hyper::Method;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Doing, body, pin_value, pin_values, query};
use crate::cli::args::{AnswerArguments, DenyArguments, EnrollArguments, Final, Which};
use crate::cli::{CliError, say};

/// No link is longer.
const LONGEST_LINK: u64 = 4096;
/// No picture is larger, in bytes.
const PICTURE_MAX: u64 = 4 << 20;

pub(super) async fn enroll(doing: &mut Doing<'_>, how: EnrollArguments) -> Result<(), CliError> {
    let text = how.invitation.as_deref().map(invitation).transpose()?;
    let (text, picture) = match how.qr.as_deref().map(shown).transpose()? {
        None => (text, None),
        Some(Shown::Text(text)) => (Some(text), None),
        Some(Shown::Picture(picture)) => (None, Some(picture)),
    };
    let of_whom = |name: &'static str| match (name, &text, &picture) {
        ("invitation", Some(text), _) => json!(**text),
        ("picture", _, Some(picture)) => json!(**picture),
        _ => Value::Null,
    };
    let invited =
        body([("invitation", of_whom("invitation")), ("picture", of_whom("picture")), ("host", json!(how.host))]);
    let preview = doing.tell("/invitation", invited).await?;
    doing.output.note(&format!("enrolling at {}", preview["server"].as_str().unwrap_or_default()));
    // Where somebody holds the device, it is enrolled with their PINs.
    let new = match doing.says_pins().await? {
        true => Some(doing.pins.new_set(how.duress)?),
        false => None,
    };
    let (pin, duress) = new.as_ref().map_or((None, &[][..]), |(pin, duress)| (Some(pin), duress));
    let accepted = body([
        ("invitation", of_whom("invitation")),
        ("picture", of_whom("picture")),
        ("host", json!(how.host)),
        ("label", json!(how.label)),
        ("pin", pin_value(pin)),
        ("duressPins", pin_values(duress)),
    ]);
    let enrolled = doing.tell("/enroll", accepted).await?;
    doing.output.done(&enrolled, &say::enrolled(&enrolled))
}

/// What was given, or what standard input has.
pub(super) fn invitation(text: &str) -> Result<Zeroizing<String>, CliError> {
    if text != "-" {
        return Ok(Zeroizing::new(text.to_owned()));
    }
    let mut line = Zeroizing::new(String::new());
    let read = io::stdin().lock().take(LONGEST_LINK).read_line(&mut line);
    read.map_err(|source| CliError::Input { path: "standard input".into(), source })?;
    Ok(Zeroizing::new(line.trim().to_owned()))
}

/// What a picture is of, or a text that is in its place.
enum Shown {
    #[cfg_attr(not(feature = "window"), expect(dead_code, reason = "files are pictures"))]
    Text(Zeroizing<String>),
    /// In Base64.
    Picture(Zeroizing<String>),
}

/// What a file, the screen or the clipboard shows.
fn shown(path: &Path) -> Result<Shown, CliError> {
    #[cfg(feature = "window")]
    {
        use crate::window::sources;

        let read = match path.to_str() {
            Some("screen") => Some(sources::screen()),
            Some("clipboard") => Some(sources::clipboard()),
            _ => None,
        };
        match read.transpose().map_err(CliError::Usage)? {
            Some(sources::Picture::Text(text)) => return Ok(Shown::Text(text)),
            Some(sources::Picture::Image { bytes, .. }) => {
                return Ok(Shown::Picture(Zeroizing::new(Base64::encode_string(&bytes))));
            }
            None => {}
        }
    }
    picture(path).map(Shown::Picture)
}

/// A picture of a QR code, in Base64.
fn picture(path: &Path) -> Result<Zeroizing<String>, CliError> {
    let failed = |source| CliError::File { path: path.to_owned(), source };
    let mut bytes = Zeroizing::new(Vec::new());
    std::fs::File::open(path).map_err(failed)?.take(PICTURE_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > PICTURE_MAX {
        return Err(CliError::Usage(format!("{} is larger than 4 MiB: cut the code out of it", path.display())));
    }
    Ok(Zeroizing::new(Base64::encode_string(&bytes)))
}

pub(super) async fn open(doing: &mut Doing<'_>, which: Which, time: Option<u64>) -> Result<(), CliError> {
    known(doing, which.token.as_deref()).await?;
    let pin = doing.pin().await?;
    let how = body([("token", json!(which.token)), ("seconds", json!(time)), ("pin", pin_value(pin.as_ref()))]);
    stands(doing, doing.tell("/open", how).await?)
}

/// A person is not asked for a PIN that nothing needs.
async fn known(doing: &Doing<'_>, token: Option<&str>) -> Result<(), CliError> {
    if doing.client.has_no_holder() {
        doing.client.of_device(Method::GET, &format!("/token{}", query([("token", token)])), None).await?;
    }
    Ok(())
}

/// The token that is meant, for a person to recognize.
async fn named(doing: &Doing<'_>, token: Option<&str>) -> Result<String, CliError> {
    let token = doing.client.of_device(Method::GET, &format!("/token{}", query([("token", token)])), None).await?;
    let text = |name: &str| token[name].as_str().unwrap_or_default().to_owned();
    let called = if text("label").is_empty() { text("token") } else { text("label") };
    Ok(format!("the token {called} of {}:{}", text("host"), token["port"]))
}

fn stands(doing: &Doing<'_>, now: Value) -> Result<(), CliError> {
    let text = doing.output.paint().word(now["state"].as_str().unwrap_or_default(), &say::state(&now));
    doing.output.done(&now, &text)
}

pub(super) async fn close(doing: &Doing<'_>, which: Which) -> Result<(), CliError> {
    stands(doing, doing.tell("/close", body([("token", json!(which.token))])).await?)
}

pub(super) async fn toggle(doing: &mut Doing<'_>, which: Which) -> Result<(), CliError> {
    let now = doing.tell("/status", body([("token", json!(which.token))])).await?;
    match now["state"].as_str() {
        Some("open") => close(doing, which).await,
        _ => open(doing, which, None).await,
    }
}

pub(super) async fn status(doing: &Doing<'_>, which: Which, exit_state: bool) -> Result<(), CliError> {
    let now = doing.tell("/status", body([("token", json!(which.token))])).await?;
    let state = match now["state"].as_str() {
        Some("open") => "open",
        Some("closed") => "closed",
        Some("blocked") => "blocked",
        _ => "not enrolled",
    };
    if exit_state && state != "open" {
        // It was printed; the code says it, too.
        stands(doing, now)?;
        return Err(CliError::NotOpen(state));
    }
    stands(doing, now)
}

pub(super) async fn list(doing: &Doing<'_>) -> Result<(), CliError> {
    let tokens = doing.client.of_device(Method::GET, "/tokens", None).await?;
    doing.output.done(&tokens, &say::tokens(&tokens))
}

async fn ask(doing: &Doing<'_>, path: &str, which: &Which) -> Result<Value, CliError> {
    let query = query([("token", which.token.as_deref())]);
    doing.client.of_device(Method::GET, &format!("{path}{query}"), None).await
}

pub(super) async fn confirmations(doing: &Doing<'_>, which: Which) -> Result<(), CliError> {
    let waiting = ask(doing, "/confirmations", &which).await?;
    doing.output.done(&waiting, &say::confirmations(&waiting))
}

pub(super) async fn approve(doing: &mut Doing<'_>, which: AnswerArguments) -> Result<(), CliError> {
    let AnswerArguments { token, confirmation } = which;
    let chosen = query([("token", token.as_deref()), ("id", confirmation.as_deref())]);
    let text = doing.client.of_device(Method::GET, &format!("/confirmation{chosen}"), None).await?;
    if doing.output.is_for_people() {
        println!("approve: {}", say::confirmation(&text));
    }
    let pin = doing.pin().await?;
    // The very one that was shown.
    let how = body([("token", json!(token)), ("id", text["id"].clone()), ("pin", pin_value(pin.as_ref()))]);
    let done = doing.tell("/approve", how).await?;
    doing.output.done(&done, &format!("approved: {}", say::confirmation(&done["confirmation"])))
}

pub(super) async fn deny(doing: &Doing<'_>, how: DenyArguments) -> Result<(), CliError> {
    use clap::ValueEnum as _;

    let reason = how.reason.to_possible_value().map(|value| value.get_name().to_owned());
    let AnswerArguments { token, confirmation } = how.which;
    let how = body([("token", json!(token)), ("id", json!(confirmation)), ("reason", json!(reason))]);
    let done = doing.tell("/deny", how).await?;
    doing.output.done(&done, &format!("denied: {}", say::confirmation(&done["confirmation"])))
}

pub(super) async fn info(doing: &Doing<'_>, which: Which) -> Result<(), CliError> {
    let about = ask(doing, "/about", &which).await?;
    let name = |name: &str| about[name].as_str().unwrap_or_default();
    doing.output.done(&about, &format!("{}  {}", name("service"), name("user")))
}

pub(super) async fn siblings(doing: &Doing<'_>, which: Which) -> Result<(), CliError> {
    let devices = ask(doing, "/devices", &which).await?;
    doing.output.done(&devices, &say::siblings(&devices))
}

pub(super) async fn history(doing: &Doing<'_>, which: Which, page: u8) -> Result<(), CliError> {
    let query = query([("token", which.token.as_deref()), ("page", Some(&page.to_string()))]);
    let history = doing.client.of_device(Method::GET, &format!("/history{query}"), None).await?;
    doing.output.done(&history, &say::history(&history))
}

pub(super) async fn revoke(doing: &mut Doing<'_>, other: &str, which: Which, is_final: Final) -> Result<(), CliError> {
    let token = named(doing, which.token.as_deref()).await?;
    if !doing.is_sure(is_final, &format!("revoke the device {other} of {token}, and close it"))? {
        return Ok(());
    }
    let pin = doing.pin().await?;
    let how = body([("token", json!(which.token)), ("device", json!(other)), ("pin", pin_value(pin.as_ref()))]);
    let now = doing.tell("/revoke", how).await?;
    doing.output.done(&now, &format!("device revoked; the token is {}", say::state(&now)))
}

pub(super) async fn change_pin(doing: &mut Doing<'_>, which: Which, duress: bool) -> Result<(), CliError> {
    known(doing, which.token.as_deref()).await?;
    let current = doing.pin().await?;
    let (new, duress) = doing.pins.new_set(duress)?;
    let how = body([
        ("token", json!(which.token)),
        ("pin", pin_value(current.as_ref())),
        ("newPin", pin_value(Some(&new))),
        ("duressPins", pin_values(&duress)),
    ]);
    let now = doing.tell("/change-pins", how).await?;
    doing.output.done(&now, &format!("PIN changed; the token is {}", say::state(&now)))
}

pub(super) async fn set_duress(doing: &mut Doing<'_>, which: Which) -> Result<(), CliError> {
    known(doing, which.token.as_deref()).await?;
    let (current, duress) = (doing.pins.current()?, doing.pins.duress()?);
    let how = body([
        ("token", json!(which.token)),
        ("pin", pin_value(Some(&current))),
        ("newPin", pin_value(Some(&current))),
        ("duressPins", pin_values(&duress)),
    ]);
    let now = doing.tell("/change-pins", how).await?;
    doing.output.done(&now, &format!("duress PINs set; the token is {}", say::state(&now)))
}

pub(super) async fn label(doing: &Doing<'_>, label: &str, which: Which) -> Result<(), CliError> {
    let new = body([("token", json!(which.token)), ("label", json!(label))]);
    doing.client.of_device(Method::PUT, "/label", Some(new)).await?;
    doing.output.done(&json!({ "label": label }), &format!("called {label}"))
}

pub(super) async fn unenroll(
    doing: &mut Doing<'_>,
    which: Which,
    local: bool,
    is_final: Final,
) -> Result<(), CliError> {
    let whom = named(doing, which.token.as_deref()).await?;
    let what = if local { format!("remove {whom} here without telling its server") } else { format!("give up {whom}") };
    if !doing.is_sure(is_final, &what)? {
        return Ok(());
    }
    let token = json!(which.token);
    if local {
        doing.tell("/forget", body([("token", token)])).await?;
    } else {
        let pin = doing.pin().await?;
        doing.tell("/unenroll", body([("token", token), ("pin", pin_value(pin.as_ref()))])).await?;
    }
    doing.output.done(&json!({ "unenrolled": true }), "unenrolled")
}
