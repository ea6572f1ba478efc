//! `/.well-known/cardea`: what a device needs to know of this server before it types in a code.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::{Api, Problem};

/// `GET /.well-known/cardea`: the server's identity key (32 bytes), its current key record (105 bytes), both in
/// hexadecimal, and the port of the token channel, which is on the host of the caller's URL.
pub(super) async fn cardea(State(api): State<Arc<Api>>) -> Result<Json<Value>, Problem> {
    let identity = api.admin.server_identity().await?;
    Ok(Json(json!({
        "identity": HEXLOWER.encode(&identity.public_key),
        "keyRecord": HEXLOWER.encode(&identity.key_record),
        "channelPort": api.channel_port,
    })))
}
