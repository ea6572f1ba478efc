//! Large replies: what a device may read of its token.

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::responder::Session;
use cardea_protocol::wire::{KeyRecords, LargeReply, Op, Reply};

use super::{Desk, DeskError};
use crate::storage::rows::DeviceKey;
use crate::vault::VaultError;

impl Desk {
    /// The reply as a frame of the size that its operation has.
    pub(super) async fn seal(
        &self,
        session: &mut Session<Dalek>,
        (op, win): (Op, u8),
        reply: Reply,
    ) -> Result<Vec<u8>, DeskError> {
        if !op.has_large_reply() {
            return Ok(session.reply(&reply)?.bytes().to_vec());
        }
        let key = DeviceKey { token: *session.token().bytes(), number: *session.device().bytes() };
        let large = match reply.code {
            Code::Ok => self.content(key, (op, win), reply).await?,
            _ => LargeReply::Plain(reply),
        };
        Ok(session.reply_large(&large)?.bytes().to_vec())
    }

    async fn content(&self, key: DeviceKey, (op, win): (Op, u8), reply: Reply) -> Result<LargeReply, DeskError> {
        let vault = self.vault.clone();
        let large = match op {
            Op::KeyRecords => {
                let (keys, now) = (self.fresh_keys().await?, self.clock.now());
                return Ok(match keys.current(now) {
                    Some(current) => {
                        let next = keys.next(now).map(|key| key.record);
                        LargeReply::KeyRecords(reply, KeyRecords { current: current.record, next })
                    }
                    None => LargeReply::Plain(Reply { code: Code::Internal, ..reply }),
                });
            }
            Op::Info => self.store.read(move |tx| vault.info_for(tx, &key)).await.map(|it| LargeReply::Info(reply, it)),
            Op::Devices => {
                self.store.read(move |tx| vault.devices_for(tx, &key)).await.map(|it| LargeReply::Devices(reply, it))
            }
            Op::History => {
                let read = self.store.read(move |tx| vault.history_for(tx, &key, win)).await;
                read.map(|it| LargeReply::History(reply, it))
            }
            _ => Ok(LargeReply::Plain(reply)),
        };
        match large {
            // Deleted since.
            Err(VaultError::Unknown(_)) => Ok(LargeReply::Plain(Reply { code: Code::NotEnrolled, ..reply })),
            large => Ok(large?),
        }
    }
}
