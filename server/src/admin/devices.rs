//! Devices of tokens.

use cardea_protocol::token::DeviceId;

use super::{Admin, AdminError, Service};
use crate::domain::actor::Actor;
use crate::domain::name::UserId;

impl Admin {
    /// Ends an open offer to enroll; a device whose short authentication string could still be compared is revoked.
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; [`AdminError::BadCall`]: nothing is open.
    pub async fn cancel_enrollment(&self, service: &Service, user: &UserId, by: Actor) -> Result<(), AdminError> {
        let (service, user) = (service.clone(), user.clone());
        let (token, found) =
            self.write(move |vault, tx| vault.cancel_enrollment(tx, &service, &user, by, vault.reading())).await?;
        if !found {
            return Err(AdminError::BadCall("no enrollment is open for this user".to_owned()));
        }
        self.changed(token.id);
        Ok(())
    }

    /// Revokes one device: the token is closed, the device's live session ends, and it is told when it comes back.
    ///
    /// # Errors
    /// [`AdminError::NoToken`], [`AdminError::NoDevice`]; storage failed, or a row is damaged.
    pub async fn revoke_device(
        &self,
        service: &Service,
        user: &UserId,
        device: DeviceId,
        by: Actor,
    ) -> Result<(), AdminError> {
        let (service, user) = (service.clone(), user.clone());
        let token =
            self.write(move |vault, tx| vault.revoke_device(tx, &service, &user, device, by, vault.reading())).await?;
        self.changed(token.id);
        Ok(())
    }
}
