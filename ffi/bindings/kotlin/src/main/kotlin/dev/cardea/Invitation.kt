package dev.cardea

import dev.cardea.ffi.Invitation as LowInvitation

/**
 * An invitation to enroll. It holds a one-time secret: whoever has it can enroll in the holder's place.
 *
 * Making one uses nothing up. Show [preview] to the holder before accepting. All throw [CardeaException].
 */
public class Invitation internal constructor(internal val low: LowInvitation) : AutoCloseable {
    /** Where it leads. Asks nobody. */
    public val preview: Preview = low.preview().lift()

    /** Frees it now and not when it is found unused. */
    override fun close(): Unit = low.destroy()

    override fun toString(): String = "Invitation(${preview.host}:${preview.port})"

    public companion object {
        /** From a link, a `cardea:` address, or the text of a QR code. White space around it does not matter. Asks nobody. */
        public fun fromText(text: String): Invitation = immediately { Invitation(LowInvitation.fromText(text.whole())) }
    }
}
