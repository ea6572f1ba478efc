package dev.cardea

import kotlin.time.Duration

/**
 * Why something did not succeed.
 *
 * [message] is a text for a person, in English and without secrets. [code] is stable and the same in every language: up to
 * 100 it is a code of the protocol, above it is the SDK's own; `docs/sdk/errors.md` has them all. The class says who has to
 * act, and is what a program should look at.
 */
public sealed class CardeaException(
    /** The stable number. */
    public val code: Int,
    override val message: String,
) : Exception(message) {
    /** The PIN is wrong; the holder may try again. */
    public class PinRejected internal constructor(
        code: Int,
        message: String,
        /** Wrong PINs left before the token is blocked. */
        public val triesLeft: Int,
    ) : CardeaException(code, message)

    /** Too many wrong PINs: the server does not look at another one yet. */
    public class Wait internal constructor(
        code: Int,
        message: String,
        /** Wrong PINs left before the token is blocked. */
        public val triesLeft: Int,
        /** How long, from when the server answered. */
        public val wait: Duration,
    ) : CardeaException(code, message)

    /** The token is blocked. */
    public class Blocked internal constructor(
        code: Int,
        message: String,
        /** How long, from when the server answered; none if an administrator has to unblock it. */
        public val wait: Duration?,
    ) : CardeaException(code, message)

    /** The server does not know this device any more: the token has to be enrolled again. */
    public class NotEnrolled internal constructor(code: Int, message: String) : CardeaException(code, message)

    /** The link, code or picture is none, was used, has expired, or leads to another server. */
    public class InvitationRejected internal constructor(code: Int, message: String) : CardeaException(code, message)

    /** The text does not wait for an answer any more. */
    public class ConfirmationOver internal constructor(code: Int, message: String) : CardeaException(code, message)

    /** Sent, but not answered. Whether it was done is found out by the next operation. */
    public class NotConfirmed internal constructor(code: Int, message: String) : CardeaException(code, message)

    /** The server cannot be reached. Nothing was sent. */
    public class Offline internal constructor(code: Int, message: String) : CardeaException(code, message)

    /** The token is in use by another program. */
    public class Busy internal constructor(code: Int, message: String) : CardeaException(code, message)

    /** The holder gave up. A coroutine that is cancelled throws `CancellationException` as always, not this. */
    public class Cancelled internal constructor(code: Int, message: String) : CardeaException(code, message)

    /** The program asked for what cannot be. */
    public class Misuse internal constructor(code: Int, message: String) : CardeaException(code, message)

    /** The server refused. */
    public class Refused internal constructor(code: Int, message: String) : CardeaException(code, message)

    /** What is stored on this device cannot be read or written. */
    public class Storage internal constructor(code: Int, message: String) : CardeaException(code, message)

    /** Something that the program supplied ([SecretStore], [Presence], ...) failed. */
    public class HostFailed internal constructor(code: Int, message: String) : CardeaException(code, message)

    /** The program is shutting down. */
    public class ShuttingDown internal constructor(code: Int, message: String) : CardeaException(code, message)

    /** A relying party's call failed. Says nothing about the token: treat it as not open. */
    public class RelyingParty internal constructor(
        code: Int,
        message: String,
        /** After how long the same call may succeed, where the server says so. */
        public val wait: Duration?,
    ) : CardeaException(code, message)

    final override fun toString(): String = "$message (code $code)"
}
