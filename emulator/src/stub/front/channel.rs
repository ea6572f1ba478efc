//! Connections of devices over TCP. Their first frame says what they are about; everything else is theirs and the server's.

use std::sync::Arc;

use cardea_sdk::Entropy as _;
use cardea_server::storage::StorageError;
use cardea_server::storage::rows::{DeviceRows as _, EnrollmentRows as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::calls::PATIENCE;
use super::{Front, connect};
use crate::stub::script::{Answer, Cut, Event, Opening, Refusal};
use crate::stub::user_id;

/// Longest frame (specification, chapter 2).
const FRAME_MAX: usize = 560;
/// A plain error: `0x80` and its code, then random bytes (specification, 2.4).
const PLAIN_ERROR: usize = 63;

/// Serves a connection until it ends.
pub(super) async fn serve(front: Arc<Front>, mut device: TcpStream) {
    // Whoever breaks off is nobody's fault here.
    if let Ok(Ok(Some(frame))) = timeout(PATIENCE, frame(&mut device)).await {
        let _ = pass(&front, device, &frame).await;
    }
}

/// A frame with the length before it; nothing if it is none.
async fn frame(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).await?;
    let size = usize::from(u16::from_be_bytes(length));
    if !(1..=FRAME_MAX).contains(&size) {
        return Ok(None);
    }
    let mut frame = vec![0; 2 + size];
    frame[..2].copy_from_slice(&length);
    stream.read_exact(&mut frame[2..]).await?;
    Ok(Some(frame))
}

async fn pass(front: &Front, mut device: TcpStream, first: &[u8]) -> std::io::Result<()> {
    let decided = match opening(first) {
        Some(kind) => {
            let user = user_of(front, kind, &first[2..]).await;
            let decided = front.desk.decide(Event::Connection { kind, user: user.as_deref() });
            if let Some((_, deed)) = &decided {
                front.change(&deed.changes, user.as_deref()).await;
                tokio::time::sleep(deed.delay).await;
            }
            decided.map(|(_, deed)| deed.answer)
        }
        None => None,
    };
    let mut server = match decided {
        Some(Answer::Cut(Cut::Before)) => return Ok(()),
        Some(Answer::Refusal(refusal)) => return refuse(&mut device, refusal).await,
        _ => connect(front.server.channel).await?,
    };
    server.write_all(first).await?;
    if let Some(Answer::Cut(_)) = decided {
        // The server has done it and says so, to nobody.
        let answered = timeout(PATIENCE, frame(&mut server)).await;
        return answered.map_or(Ok(()), |answered| answered.map(drop));
    }
    tokio::io::copy_bidirectional(&mut device, &mut server).await.map(drop)
}

/// How it begins (specification, 2.3).
fn opening(first: &[u8]) -> Option<Opening> {
    match first.get(2)? {
        0x11 => Some(Opening::Operate),
        0x12 => Some(Opening::Resync),
        0x13 => Some(Opening::Enroll),
        _ => None,
    }
}

/// Whose token it is about, if a rule wants to know.
async fn user_of(front: &Front, kind: Opening, frame: &[u8]) -> Option<String> {
    let mut named = front.desk.named_on_connections();
    let (wants_anyone, store) = (front.desk.changes_tokens_on_connections(), front.server.instance.store());
    if (named.is_empty() && !wants_anyone) || kind == Opening::Resync {
        return None;
    }
    // Operations name their device by a hint behind the epoch, enrollments theirs by its number.
    let at = if kind == Opening::Operate { 2 } else { 1 };
    let name: [u8; 8] = frame.get(at..at + 8)?.try_into().ok()?;
    let token = store.read::<_, StorageError, _>(move |tx| {
        Ok(match kind {
            Opening::Operate => tx.devices_by_hint(&name)?.first().map(|row| row.key.token),
            _ => tx.enrollment(&name)?.map(|row| row.token),
        })
    });
    let token = token.await.ok()??;
    let service = front.server.service().await.ok()?;
    if wants_anyone {
        let tokens = front.server.admin.tokens(&service, &[], 1_000).await.ok()?;
        named.extend(tokens.iter().map(|entry| entry.user.as_str().to_owned()));
    }
    for user in named {
        let Ok(id) = user_id(&user) else { continue };
        if let Ok(detail) = front.server.admin.detail(&service, &id).await
            && *detail.entry.token.bytes() == token
        {
            return Some(user);
        }
    }
    None
}

async fn refuse(device: &mut TcpStream, refusal: Refusal) -> std::io::Result<()> {
    let mut frame = [0; 2 + PLAIN_ERROR];
    cardea_sdk::OsEntropy.fill(&mut frame);
    frame[..2].copy_from_slice(&63_u16.to_be_bytes());
    frame[2] = 0x80 + refusal.code();
    device.write_all(&frame).await?;
    device.shutdown().await
}
