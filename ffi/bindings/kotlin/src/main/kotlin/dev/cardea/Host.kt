package dev.cardea

import java.io.IOException

/**
 * What the program around a wallet supplies. All of it is optional.
 *
 * The library calls these from threads of its own that may block, several at a time; never from the thread of a caller. What
 * they throw ends the operation that needed them: as [CardeaException.HostFailed], or as [CardeaException.Storage] (142) if it
 * was the store of secrets. What a log throws is dropped, and a presence may say with a `CancellationException` that the holder gave
 * up, which is [CardeaException.Cancelled].
 */
public class Host(
    /** The time; without one, the system's. */
    public val clock: Clock? = null,
    /** Randomness; without one, the system's. */
    public val entropy: Entropy? = null,
    /** Who hears what the library does by itself. */
    public val log: LogSink? = null,
    /** Where the key of the wallet's folder lives; without one, in a file in the folder. A wallet in memory takes none (117). */
    public val secrets: SecretStore? = null,
    /** Who asks the holder where an operation says [Approval.Ask]. */
    public val presence: Presence? = null,
)

/** The time. */
public fun interface Clock {
    /** Unix seconds. It may jump and be wrong by years: it is evidence only, and the server's clock decides. */
    public fun now(): Long
}

/** Randomness, which is mixed with the system's. */
public fun interface Entropy {
    /** So many random bytes. */
    public fun bytes(count: Int): ByteArray
}

/** There is no room for another secret. What a [SecretStore] may throw. */
public class SecretsFull(message: String, cause: Throwable? = null) : IOException(message, cause)

/** The holder, or the operating system for the holder, says no. What a [SecretStore] may throw. */
public class SecretsDenied(message: String, cause: Throwable? = null) : IOException(message, cause)

/** Keeps a few small secrets under short names. What goes wrong is an exception, never an absent secret. */
public interface SecretStore {
    /**
     * The secret of that name; none if there certainly is none. One that cannot be read is an error.
     *
     * @throws IOException it cannot be read.
     */
    public fun load(name: String): ByteArray?

    /**
     * Keeps [secret] under [name] for good, replacing another one. When this returns, a crash does not undo it.
     *
     * @throws IOException it cannot be kept.
     */
    public fun save(name: String, secret: ByteArray)

    /**
     * Forgets the secret of that name, if there is one.
     *
     * @throws IOException it cannot be removed.
     */
    public fun remove(name: String)
}

/** How much a line of the log matters. */
public enum class LogLevel {
    /** For whoever looks for a fault. */
    DEBUG,

    /** Something changed. */
    INFO,

    /** Somebody has to look at it. */
    WARN,
}

/** Hears what the library does by itself. Lines contain no secrets, PINs, names of holders, or texts. */
public fun interface LogSink {
    /** Takes one line. What it throws is dropped; when it is too slow, lines are. */
    public fun log(level: LogLevel, text: String)
}

/** Asks the holder to approve. */
public fun interface Presence {
    /**
     * Asks, and may take as long as a person needs: nothing is held or connected meanwhile. A `CancellationException` says that
     * the holder gave up. [Approval.Ask] is no answer.
     */
    public suspend fun approve(request: PresenceRequest): Approval
}

/** What the holder is asked to approve. */
public data class PresenceRequest(
    /** The token's name in the wallet. */
    val token: String,
    /** What the holder knows it by. */
    val service: String,
    /** What for. */
    val purpose: Purpose,
    /** Wrong PINs left before the token is blocked, if that is known. */
    val triesLeft: Int?,
    /** How long PINs are, and whether a biometric key may be used. */
    val policy: Policy,
)

/** What an approval is for. New kinds may come: a `when` needs an `else`. */
public interface Purpose {
    /** The token is to be opened. */
    public data object Open : Purpose

    /** A text is to be approved. It is what is signed: show it as it is, all of it. */
    public data class ApproveText(val text: String) : Purpose

    /** The PINs are to be changed. */
    public data object ChangePins : Purpose

    /** The token is to be given up. */
    public data object Unenroll : Purpose

    /** Another device of the token is to be revoked. */
    public data object RevokeDevice : Purpose

    /** Something that this version has no name for. */
    public data object Other : Purpose
}
