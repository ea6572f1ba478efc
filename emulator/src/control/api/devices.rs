//! Devices.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64ct::{Base64, Encoding as _};
use cardea_sdk::Invitation;
use zeroize::Zeroizing;

use super::super::Shared;
use super::super::extract::{Body, InSession, OnDevice, Parameters};
use super::super::problem::{Problem, ProblemBody};
use super::super::wire::{
    DeviceList, DevicePath, DeviceView, Enroll, Enrolled, InvitationView, Invited, NetworkProfile, NewDevice,
    SessionPath, SetSkew, TokenList, TokenView, Which,
};
use crate::engine::{Device, Session, is_label};

/// By how many seconds a clock can be wrong: a hundred years.
const SKEW: i64 = 100 * 366 * 86_400;

/// A device that is only begun: it does not stay, unless it is said to.
pub(super) struct Made<'a> {
    session: &'a Session,
    name: Option<&'a str>,
}

impl<'a> Made<'a> {
    pub(super) const fn begun(session: &'a Session, name: &'a str) -> Self {
        Self { session, name: Some(name) }
    }

    pub(super) fn stays(mut self) {
        self.name = None;
    }
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        if let Some(name) = self.name {
            self.session.discard_empty(name);
        }
    }
}

/// Reads an invitation.
pub(super) async fn read(device: &Device, invited: &Invited) -> Result<Invitation, Problem> {
    match (&invited.invitation, &invited.picture) {
        (Some(text), None) => Ok(device.invitation(text, invited.host.as_deref()).await?),
        (None, Some(picture)) => {
            let bytes = Zeroizing::new(
                Base64::decode_vec(picture).map_err(|_| Problem::BadCall("the picture is no Base64".into()))?,
            );
            Ok(device.invitation_in(bytes).await?)
        }
        _ => Err(Problem::BadCall("give an invitation or a picture of it".into())),
    }
}

/// Lists the devices of a session.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/devices", tag = "devices", params(SessionPath),
    responses((status = 200, body = DeviceList), (status = 404, body = ProblemBody))
)]
pub(in super::super) async fn list(InSession(session): InSession) -> Result<Json<DeviceList>, Problem> {
    let mut devices = Vec::new();
    for device in session.list() {
        devices.push(DeviceView::of(&device, None).await?);
    }
    Ok(Json(DeviceList { devices }))
}

/// Makes a device, and enrolls it if asked. If that fails nothing is made.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices", tag = "devices", params(SessionPath), request_body = NewDevice,
    responses(
        (status = 201, body = DeviceView), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 422, body = ProblemBody), (status = 502, body = ProblemBody),
    )
)]
pub(in super::super) async fn make(
    State(shared): State<Shared>,
    InSession(session): InSession,
    Body(new): Body<NewDevice>,
) -> Result<(StatusCode, Json<DeviceView>), Problem> {
    let (persona, profile) = (new.persona()?, new.profile.as_deref().map(|name| shared.profile(name)).transpose()?);
    let device = session.add(&new.name).await?;
    let made = Made::begun(&session, &new.name);
    let begun = async {
        if let Some(persona) = persona {
            device.human().set_persona(persona);
        }
        if let Some(profile) = profile {
            profile.apply(&device).map_err(|error| Problem::BadCall(error.to_string()))?;
        }
        if let Some(enroll) = &new.enroll {
            device.enroll(&read(&device, enroll).await?).await?;
        }
        if new.watch {
            device.watch().await?;
        }
        Ok::<_, Problem>(DeviceView::of(&device, None).await?)
    };
    let view = begun.await?;
    made.stays();
    Ok((StatusCode::CREATED, Json(view)))
}

/// Shows a device: how its tokens stand as far as their servers have said, and what its holder is asked. Asks no server.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/devices/{device}", tag = "devices", params(DevicePath, Which),
    responses((status = 200, body = DeviceView), (status = 404, body = ProblemBody))
)]
pub(in super::super) async fn show(
    device: OnDevice,
    Parameters(which): Parameters<Which>,
) -> Result<Json<DeviceView>, Problem> {
    Ok(Json(DeviceView::of(&device, which.token.as_deref()).await?))
}

/// Lists the tokens of a device. Asks no server.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/devices/{device}/tokens", tag = "devices", params(DevicePath),
    responses(
        (status = 200, body = TokenList), (status = 404, body = ProblemBody),
        (status = 500, body = ProblemBody, description = "they cannot be read"),
    )
)]
pub(super) async fn tokens(device: OnDevice) -> Result<Json<TokenList>, Problem> {
    Ok(Json(TokenList::of(&device).await?))
}

/// Shows the token that is meant: the only one, or the one that is called so. Asks no server.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/devices/{device}/token", tag = "devices", params(DevicePath, Which),
    responses((status = 200, body = TokenView), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody))
)]
pub(super) async fn token(device: OnDevice, Parameters(which): Parameters<Which>) -> Result<Json<TokenView>, Problem> {
    Ok(Json(TokenView::named(&device, which.token.as_deref()).await?))
}

/// Removes a device, from the state folder, too. Its tokens are gone; their servers are not told.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/devices/{device}", tag = "devices", params(DevicePath),
    responses((status = 204), (status = 404, body = ProblemBody))
)]
pub(in super::super) async fn remove(on: OnDevice) -> Result<StatusCode, Problem> {
    on.session.discard(on.device.name())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says whom an invitation comes from, before it is accepted.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/invitation", tag = "devices", params(DevicePath),
    request_body = Invited,
    responses((status = 200, body = InvitationView), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(super) async fn invitation(device: OnDevice, Body(with): Body<Invited>) -> Result<Json<InvitationView>, Problem> {
    let invitation = read(&device, &with).await?;
    Ok(Json(InvitationView { server: invitation.to_string() }))
}

/// Accepts an invitation.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/enroll", tag = "devices", params(DevicePath),
    request_body = Enroll,
    responses(
        (status = 200, body = Enrolled), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 502, body = ProblemBody),
    )
)]
pub(in super::super) async fn enroll(
    device: OnDevice,
    Body(mut with): Body<Enroll>,
) -> Result<Json<Enrolled>, Problem> {
    let persona = with.persona()?;
    with.label.as_deref().map_or(Ok(()), is_label)?;
    let invitation = read(&device, &with.invited()).await?;
    let enrolled = match persona {
        Some(persona) => device.enroll_as(&invitation, persona).await?,
        None => device.enroll(&invitation).await?,
    };
    if let Some(label) = &with.label {
        device.set_label(Some(&enrolled.token.key().to_string()), label).await?;
    }
    let is_well_known = device.human().persona().is_well_known();
    Ok(Json(match is_well_known {
        true => Enrolled::with_well_known_pins(&enrolled).await?,
        false => Enrolled::with_chosen_pins(&enrolled),
    }))
}

/// Hears what servers say unasked: keeps a connection to them.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/watch", tag = "devices", params(DevicePath),
    responses((status = 204), (status = 404, body = ProblemBody))
)]
pub(super) async fn watch(device: OnDevice) -> Result<StatusCode, Problem> {
    device.watch().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps no connection any more.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/devices/{device}/watch", tag = "devices", params(DevicePath),
    responses((status = 204), (status = 404, body = ProblemBody))
)]
pub(super) async fn rest(device: OnDevice) -> StatusCode {
    device.rest();
    StatusCode::NO_CONTENT
}

/// Makes the clock of a device wrong, or right again. How much time passes is the session's business.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/devices/{device}/clock", tag = "devices", params(DevicePath),
    request_body = SetSkew,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(super) async fn set_clock(device: OnDevice, Body(new): Body<SetSkew>) -> Result<StatusCode, Problem> {
    if !(-SKEW..=SKEW).contains(&new.skew_seconds) {
        return Err(Problem::BadCall(format!("skewSeconds is from -{SKEW} to {SKEW}, a hundred years")));
    }
    device.clock().set_skew(new.skew_seconds);
    Ok(StatusCode::NO_CONTENT)
}

/// Shows what the network of a device is like.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/devices/{device}/network", tag = "devices", params(DevicePath),
    responses((status = 200, body = NetworkProfile), (status = 404, body = ProblemBody))
)]
pub(in super::super) async fn network(device: OnDevice) -> Json<NetworkProfile> {
    Json(NetworkProfile { profile: device.network().show() })
}

/// Makes the network of a device better or worse, also for what is under way.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/devices/{device}/network", tag = "devices", params(DevicePath),
    request_body = NetworkProfile,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(in super::super) async fn set_network(
    device: OnDevice,
    Body(new): Body<NetworkProfile>,
) -> Result<StatusCode, Problem> {
    device.network().set(new.profile).map_err(|error| Problem::BadCall(error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}
