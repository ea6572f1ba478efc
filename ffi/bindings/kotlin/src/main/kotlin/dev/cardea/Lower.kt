package dev.cardea

import dev.cardea.ffi.ApprovalAnswer as LowAnswer
import dev.cardea.ffi.Clock as LowClock
import dev.cardea.ffi.Entropy as LowEntropy
import dev.cardea.ffi.Host as LowHost
import dev.cardea.ffi.HostException as LowHostException
import dev.cardea.ffi.LogLevel as LowLevel
import dev.cardea.ffi.LogSink as LowLogSink
import dev.cardea.ffi.Presence as LowPresence
import dev.cardea.ffi.PresenceRequest as LowRequest
import dev.cardea.ffi.Purpose as LowPurpose
import dev.cardea.ffi.SecretStore as LowSecrets
import java.io.IOException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking

// What goes into the library.

internal fun Host.lower(): LowHost = LowHost(
    clock = clock?.let(::HostClock),
    entropy = entropy?.let(::HostEntropy),
    log = log?.let(::HostLog),
    secrets = secrets?.let { if (it is NativeSecrets) it.low else HostSecrets(it) },
    presence = presence?.let(::HostPresence),
)

/**
 * Calls the host. Whatever it throws, an [Error] too, becomes the one exception that the library expects: nothing else may
 * travel through native frames. Of another exception only the kind is told, for its text may contain what it worked with.
 */
private inline fun <T> asked(call: () -> T): T = try {
    call()
} catch (thrown: Throwable) {
    throw when (thrown) {
        is SecretsFull -> LowHostException.Full()
        is SecretsDenied -> LowHostException.Denied()
        else -> LowHostException.Failed(thrown.javaClass.name)
    }
}

private class HostClock(private val clock: Clock) : LowClock {
    override fun now(): ULong = asked {
        val now = clock.now()
        require(now >= 0) { "before 1970" }
        now.toULong()
    }
}

private class HostEntropy(private val entropy: Entropy) : LowEntropy {
    override fun bytes(count: UInt): ByteArray = asked { entropy.bytes(count.toInt()) }
}

private class HostLog(private val log: LogSink) : LowLogSink {
    override fun log(level: LowLevel, text: String): Unit = asked { log.log(LogLevel.valueOf(level.name), text) }
}

private class HostSecrets(private val secrets: SecretStore) : LowSecrets {
    override fun load(name: String): ByteArray? = asked { secrets.load(name) }

    override fun save(name: String, secret: ByteArray): Unit = asked {
        try {
            secrets.save(name, secret)
        } finally {
            secret.fill(0)
        }
    }

    override fun remove(name: String): Unit = asked { secrets.remove(name) }
}

/** A store that the library brings. A wallet uses it without coming through here. */
internal class NativeSecrets(val low: LowSecrets) : SecretStore {
    override fun load(name: String): ByteArray? = kept { low.load(name.whole()) }

    override fun save(name: String, secret: ByteArray): Unit = kept { low.save(name.whole(), secret) }

    override fun remove(name: String): Unit = kept { low.remove(name.whole()) }

    private inline fun <T> kept(call: () -> T): T = try {
        call()
    } catch (error: LowHostException) {
        throw when (error) {
            is LowHostException.Full -> SecretsFull("there is no room for another secret", error)
            is LowHostException.Denied -> SecretsDenied("the secrets of this user cannot be read: access was denied", error)
            is LowHostException.Failed -> IOException(error.reason, error)
        }
    }
}

/**
 * What presences answered, by token, until the operations that asked are over: then the library has its copies, and these
 * are overwritten. It does not say when it has taken one.
 */
internal object Answers {
    private class Asking(val answered: MutableList<ByteArray> = mutableListOf(), var operations: Int = 0)

    private val tokens = mutableMapOf<String, Asking>()

    /** Runs an operation that may ask what to do with [token]. */
    suspend fun <T> during(token: String, operation: suspend () -> T): T {
        synchronized(tokens) { tokens.getOrPut(token) { Asking() }.operations += 1 }
        try {
            return operation()
        } finally {
            synchronized(tokens) {
                val asking = tokens.getValue(token)
                asking.operations -= 1
                if (asking.operations == 0) {
                    asking.answered.forEach { it.fill(0) }
                    tokens.remove(token)
                }
            }
        }
    }

    /** The answer for the library. If nobody waits for it any more, it has nothing in it. */
    fun of(token: String, approval: Approval): LowAnswer = synchronized(tokens) {
        val asking = tokens[token] ?: return LowAnswer.Cancelled
        approval.answer(asking.answered)
    }
}

private class HostPresence(private val presence: Presence) : LowPresence {
    // On other threads than the one that waits, so that it may use the wallet.
    override fun approve(request: LowRequest): LowAnswer = asked {
        try {
            runBlocking(Dispatchers.Default) { presence.approve(request.lift()) }.use { Answers.of(request.token, it) }
        } catch (_: CancellationException) {
            LowAnswer.Cancelled
        }
    }
}

private fun LowRequest.lift(): PresenceRequest = PresenceRequest(
    token = token,
    service = service,
    purpose = when (val purpose = purpose) {
        is LowPurpose.Open -> Purpose.Open
        is LowPurpose.Approve -> Purpose.ApproveText(purpose.text)
        is LowPurpose.ChangePins -> Purpose.ChangePins
        is LowPurpose.Unenroll -> Purpose.Unenroll
        is LowPurpose.RevokeDevice -> Purpose.RevokeDevice
        is LowPurpose.Other -> Purpose.Other
    },
    triesLeft = triesLeft?.toInt(),
    policy = policy.lift(),
)
