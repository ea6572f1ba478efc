//! `/.well-known/cardea`: what a device needs to know of this server before it types in a code.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::{Api, Problem};

/// `GET /.well-known/cardea`: the server's identity key (32 bytes), its current key record (105 bytes), both in
/// hexadecimal, and where the token channel is. Without `channelHost` it is where this answer came from.
pub(super) async fn cardea(State(api): State<Arc<Api>>) -> Result<Json<Value>, Problem> {
    let identity = api.admin.server_identity().await?;
    let mut body = json!({
        "identity": HEXLOWER.encode(&identity.public_key),
        "keyRecord": HEXLOWER.encode(&identity.key_record),
        "channelPort": api.channel.port,
    });
    if let Some(host) = &api.channel.host {
        body["channelHost"] = host.as_str().into();
    }
    Ok(Json(body))
}
