package dev.cardea

import dev.cardea.ffi.Invitation as LowInvitation

/** From a typed code and the host of its server, which is asked for its key. Throws [CardeaException]. */
public suspend fun Invitation.Companion.fromCode(code: String, server: String): Invitation =
    call { Invitation(LowInvitation.fromCode(code.whole(), server.whole())) }
