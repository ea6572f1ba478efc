//! Offers to enroll.

use super::{Actor, Admin, AdminError, EnrollOptions, Service};
use crate::clock::UnixSeconds;
use crate::domain::enrollment::OfferError;
use crate::domain::name::UserId;
use crate::storage::Transaction;
use crate::vault::{Repeatable, Vault, VaultError};

/// Most users that one call may make offers to.
pub const INVITED_MAX: usize = 100;

/// The ways in, for the person who will hold the token. Shown once and stored nowhere.
pub struct Offer {
    /// The link, which is also what the QR code says.
    pub link: String,
    /// The same for a device's own scheme.
    pub uri: String,
    /// The code to type.
    pub code: String,
    /// The first second in which none of them works.
    pub expires_at: UnixSeconds,
}

impl std::fmt::Debug for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Offer").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A person who is to enroll, and what becomes of the devices there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// Who.
    pub user: UserId,
    /// What is allowed.
    pub options: EnrollOptions,
}

/// What came of each [`Invited`].
pub type Offers = Vec<(UserId, Result<Offer, OfferError>)>;

impl Admin {
    /// Makes an offer to enroll, and the user's token if there is none. An offer that is open dies.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: the token has a device and the options do not say what becomes of it.
    pub async fn enroll(
        &self,
        service: &Service,
        user: &UserId,
        options: EnrollOptions,
        by: Actor,
    ) -> Result<Offer, AdminError> {
        let (desk, service, invited) = (self.offer_desk(by), service.clone(), Invited { user: user.clone(), options });
        self.write(move |vault, tx| desk.offer(vault, tx, &service, &invited)).await
    }

    /// As [`Admin::enroll`], for a caller who may ask again: answers what `said` makes of the offer, every time.
    ///
    /// # Errors
    /// As [`Admin::enroll`]; [`AdminError::BadCall`]: something else was asked under the same key.
    pub async fn enroll_once(
        &self,
        service: &Service,
        invited: Invited,
        by: Actor,
        once: Option<Repeatable>,
        said: fn(&Offer) -> String,
    ) -> Result<String, AdminError> {
        let (desk, service) = (self.offer_desk(by), service.clone());
        self.write_once(once, move |vault, tx| desk.offer(vault, tx, &service, &invited).map(|offer| said(&offer)))
            .await
    }

    /// Makes offers to many, at most [`INVITED_MAX`], in one transaction: those whose options do not fit their tokens get
    /// none, and all others get theirs.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: there are too many, or something else was asked under the same key. Storage failed, or a
    /// row is damaged: nobody has an offer.
    pub async fn enroll_many_once(
        &self,
        service: &Service,
        invited: Vec<Invited>,
        by: Actor,
        once: Option<Repeatable>,
        said: fn(&Offers) -> String,
    ) -> Result<String, AdminError> {
        if invited.len() > INVITED_MAX {
            return Err(AdminError::BadCall("there are too many users in one call: send several".to_owned()));
        }
        let (desk, service) = (self.offer_desk(by), service.clone());
        self.write_once(once, move |vault, tx| {
            let mut offers = Offers::with_capacity(invited.len());
            for invited in invited {
                let offer = match desk.offer(vault, tx, &service, &invited) {
                    Ok(offer) => Ok(offer),
                    Err(VaultError::Offer(error)) => Err(error),
                    Err(error) => return Err(error),
                };
                offers.push((invited.user, offer));
            }
            Ok(said(&offers))
        })
        .await
    }

    fn offer_desk(&self, by: Actor) -> OfferDesk {
        OfferDesk { web: self.web.clone(), endpoint: self.endpoint, by }
    }
}

/// What making an offer needs beside the vault.
struct OfferDesk {
    web: String,
    endpoint: crate::vault::Endpoint,
    by: Actor,
}

impl OfferDesk {
    fn offer(
        &self,
        vault: &Vault,
        tx: &mut dyn Transaction,
        service: &Service,
        invited: &Invited,
    ) -> Result<Offer, VaultError> {
        let Invited { user, options } = invited;
        // Before a token is made: others of the same transaction stay.
        if options.replace_device && options.add_device {
            return Err(OfferError::Contradiction.into());
        }
        let offer = vault.offer(tx, service, user, (*options, self.by), self.endpoint, vault.reading())?;
        let (mut link, mut uri) = (String::new(), String::new());
        let written = offer.link.write_https(&self.web, &mut link).and_then(|()| offer.link.write_uri(&mut uri));
        written.map_err(|_| VaultError::Misuse("the link could not be written"))?;
        let text = offer.code.text();
        let code = text.expose().iter().copied().map(char::from).collect();
        Ok(Offer { link, uri, code, expires_at: offer.expires_at })
    }
}
