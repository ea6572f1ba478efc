package dev.cardea

import dev.cardea.ffi.Invitation as LowInvitation

/** From a picture of a QR code: the bytes of a PNG or JPEG file. Asks nobody. Throws [CardeaException]. */
public suspend fun Invitation.Companion.fromQrImage(picture: ByteArray): Invitation =
    call { Invitation(LowInvitation.fromQrImage(picture)) }
