//! Enrollment. No DH is spent on strangers: an id that is not open is answered in clear. Nothing is committed before
//! the device has proved its keys, and the receipt leaves only after the commit.

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::responder::{self, AwaitKeys, EnrollmentOffer};
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::{ENROLL3_LEN, EnrollRequest, Op, Reply};

use super::{Answer, Desk, DeskError};
use crate::channel::counts::{Kind, Outcome};
use crate::vault::{NewDevice, PendingOffer, VaultError};

/// An enrollment whose E3 is awaited.
#[derive(Debug)]
pub(in crate::channel) struct PendingEnrollment {
    offer: PendingOffer,
    waiting: AwaitKeys<Dalek>,
}

impl Desk {
    /// Answers E1: E2 and what waits for E3, or what to do instead.
    ///
    /// # Errors
    /// Storage or the vault failed.
    pub(in crate::channel) async fn offer(
        &self,
        request: &EnrollRequest<'_>,
    ) -> Result<Result<(Vec<u8>, PendingEnrollment), Answer>, DeskError> {
        match self.respond_offer(request).await {
            // It is counted when it has come to its end.
            Ok(Ok(offered)) => Ok(Ok(offered)),
            Ok(Err(answer)) => self.enrollment_ended(Ok(answer)).map(Err),
            Err(error) => self.enrollment_ended(Err(error)).map(Err),
        }
    }

    fn enrollment_ended(&self, answer: Result<Answer, DeskError>) -> Result<Answer, DeskError> {
        self.counts.handshake(Kind::Enrollment, Outcome::of(&answer));
        answer
    }

    async fn respond_offer(
        &self,
        request: &EnrollRequest<'_>,
    ) -> Result<Result<(Vec<u8>, PendingEnrollment), Answer>, DeskError> {
        let (vault, clock, id) = (self.vault.clone(), self.vault.reading(), request.id());
        let offer = match self.store.read(move |tx| vault.pending_offer(tx, &id, clock)).await {
            Ok(offer) => offer,
            Err(VaultError::OfferDead(_)) => return Ok(Err(self.plain_failed(Code::CodeUsed))),
            Err(error) => return Err(error.into()),
        };
        // The device may have a link that was made before the server's key was renewed, or take the key from the
        // server's page: any key that is still answered will do.
        let keys = self.fresh_keys().await?;
        let mut answer = None;
        for key in keys.epochs().iter().rev() {
            let says = EnrollmentOffer {
                identity: *keys.identity_public(),
                key_record: key.record,
                token: offer.token,
                device: offer.device,
                policy: offer.policy,
            };
            answer = responder::offer::<Dalek>(request, &key.pair, &says, &mut self.vault.random()).ok();
            if answer.is_some() {
                break;
            }
        }
        let Some((frame, waiting)) = answer else { return Ok(Err(Answer::Drop { failed: true })) };
        Ok(Ok((frame.bytes().to_vec(), PendingEnrollment { offer, waiting })))
    }

    /// Answers E3 after the device is committed. A try is counted, durably, before its secret is looked at.
    ///
    /// # Errors
    /// Storage or the vault failed: the device is not enrolled.
    pub(in crate::channel) async fn enroll(
        &self,
        pending: PendingEnrollment,
        frame: &[u8],
    ) -> Result<Answer, DeskError> {
        let answer = self.respond_enroll(pending, frame).await;
        self.enrollment_ended(answer)
    }

    async fn respond_enroll(&self, pending: PendingEnrollment, frame: &[u8]) -> Result<Answer, DeskError> {
        // What is no E3 at all is no try either.
        if frame.len() != ENROLL3_LEN {
            return Ok(Answer::Drop { failed: true });
        }
        let PendingEnrollment { offer, waiting } = pending;
        let (vault, counted) = (self.vault.clone(), offer);
        let psk = match self.store.write(move |tx| vault.count_enrollment_try(tx, &counted, vault.reading())).await {
            Ok(psk) => psk,
            Err(VaultError::OfferDead(_)) => return Ok(self.plain_failed(Code::CodeUsed)),
            Err(error) => return Err(error.into()),
        };
        let Ok(mut new) = waiting.receive(frame, &psk) else { return Ok(self.plain_failed(Code::CodeUsed)) };
        let device =
            NewDevice { row: new.row.duplicate(), keys: new.keys, info: new.info, short_string: new.short_string };
        let vault = self.vault.clone();
        match self.store.write(move |tx| vault.complete_enrollment(tx, &offer, device, vault.reading())).await {
            Ok(enrolled) => {
                for replaced in enrolled.replaced {
                    self.live.end_device(&replaced, u64::MAX);
                }
            }
            // It has shown that it knows the secret, so it is told the truth.
            Err(VaultError::OfferDead(_)) => return self.refuse_enrollment(new, Code::CodeUsed),
            Err(VaultError::Emulated | VaultError::Biometric | VaultError::Offer(_)) => {
                return self.refuse_enrollment(new, Code::Policy);
            }
            Err(error) => return Err(error.into()),
        }
        let keys = self.fresh_keys().await?;
        Ok(Answer::reply(new.receipt(keys.identity())?.bytes()))
    }

    fn refuse_enrollment(&self, new: responder::NewDevice<Dalek>, code: Code) -> Result<Answer, DeskError> {
        let status = DeviceStatus::NotEnrolled;
        let server_time = self.clock.now().wire();
        let reply = Reply { op: Op::Ping, status, code, tries: 0, server_time, until: 0, aux: 0 };
        Ok(Answer::reply(new.refuse(&reply)?.bytes()))
    }
}
