package dev.cardea

import kotlin.time.Duration

/** Something that happened in a wallet. New kinds may come: a `when` needs an `else`. */
public interface Event {
    /** Something that happened to one token. */
    public interface OfToken : Event {
        /** The token's name in the wallet. */
        public val token: String
    }

    /** It was opened, or found open. */
    public data class Opened(override val token: String) : OfToken

    /** It will close by itself soon. */
    public data class ClosingSoon(override val token: String, val remaining: Duration) : OfToken

    /** It was closed, or found closed. */
    public data class Closed(override val token: String) : OfToken

    /** It is blocked. */
    public data class Blocked(override val token: String) : OfToken

    /** A text waits to be approved or denied. */
    public data class ConfirmationAsked(override val token: String) : OfToken

    /** A text was approved or denied. */
    public data class ConfirmationAnswered(override val token: String) : OfToken

    /** Somebody wanted to know whether it is open while it was closed, [count] times. */
    public data class ClosedTokenChecked(override val token: String, val count: Int) : OfToken

    /** It was enrolled. */
    public data class Enrolled(override val token: String) : OfToken

    /** It left this wallet. */
    public data class Unenrolled(override val token: String) : OfToken

    /** The server has forgotten this device. */
    public data class Revoked(override val token: String) : OfToken

    /** Something was sent and no answer came. */
    public data class NotConfirmed(override val token: String) : OfToken

    /** The server could not be reached. */
    public data class Offline(override val token: String) : OfToken

    /** The server can be reached again. */
    public data class Online(override val token: String) : OfToken

    /** Something that this version has no name for. */
    public data class Other(val token: String?) : Event

    /** The listener was too slow: so many events are gone. Ask for statuses again. */
    public data class Missed(val count: Long) : Event
}
