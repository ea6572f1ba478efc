package dev.cardea

import dev.cardea.ffi.RelyingParty as LowParty
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/**
 * Who asks a server about the tokens of one service: an app's server, a door, a till. Whatever goes wrong, no token is open by
 * it and no text is approved. May be used from any thread.
 *
 * Making one asks nobody. What is not said to be otherwise throws [CardeaException.RelyingParty].
 *
 * @param server `https://id.example`; `http` for this machine only.
 * @param service The name of the service.
 * @param authkey A key of the service that allows what is to be asked. Stays in memory, as every `String` does.
 * @throws CardeaException.RelyingParty with code 160: one of these cannot be.
 */
public class RelyingParty(
    server: String,
    service: String,
    authkey: String,
    options: RelyingPartyOptions = RelyingPartyOptions(),
) : AutoCloseable {
    private val low: LowParty = immediately { LowParty(server.whole(), service.whole(), authkey.whole(), options.lower()) }

    /**
     * Whether the token of [user] is open: the one question at a door. Never an error: whatever goes wrong, it is not. A
     * coroutine that is cancelled throws `CancellationException` as always.
     *
     * Ask at the moment of the decision, once for each, and keep no answer for later. In a service with a window of 0 the
     * question uses the opening up.
     */
    public suspend fun isOpen(user: String): Boolean = certain { low.isOpen(user.whole()) }

    /** As [isOpen], by the call that reverse proxies make. */
    public suspend fun gate(user: String): Boolean = certain { low.gate(user.whole()) }

    /** What the token of [user] is. Only [TokenStatus.OPEN] lets anybody in. In a service with a window of 0 it may use an opening up. */
    public suspend fun status(user: String): TokenStatus = call { low.status(user.whole()).lift() }

    /** Asks [user] to approve [text] within [expiresIn], which is ten seconds to a day. */
    public suspend fun confirm(user: String, text: String, expiresIn: Duration = 2.minutes): PendingConfirmation =
        call { low.confirm(user.whole(), text.whole(), expiresIn.seconds()).lift() }

    /** How a question stands. What the device signed was checked. */
    public suspend fun confirmation(id: String): AskedConfirmation = call { low.confirmation(id.whole()).lift() }

    /** Takes a question back. An answer that is there already stays; it is what this returns. */
    public suspend fun cancelConfirmation(id: String): Answer = call { low.cancelConfirmation(id.whole()).lift() }

    /** Waits until a question was answered or has ended, for [atMost] so long. What then still waits is [Answer.PENDING]. */
    public suspend fun awaitConfirmation(id: String, atMost: Duration = 2.minutes): AskedConfirmation =
        call { low.awaitConfirmation(id.whole(), atMost.seconds()).lift() }

    /**
     * Events of the service as they happen: of the types in [kinds] (all, if there are none), those behind the event number
     * [after], or from when the collector starts. Cold: every collector has a stream of its own, and no connection once it is
     * cancelled.
     *
     * A stream that breaks is told to [onBreak]. If that returns, the stream begins again behind the last event, after half
     * a second that grows to half a minute; no event is left out that the server still keeps. What [onBreak] throws ends
     * the stream, and unless given it throws what it is told. An error that cannot pass, such as that of a wrong authkey, ends
     * the stream in any case. Between a break and the next event nothing is known of what happens: do not decide by events
     * who is let in.
     */
    public fun watch(
        after: Long? = null,
        kinds: List<String> = emptyList(),
        onBreak: suspend (CardeaException.RelyingParty) -> Unit = { throw it },
    ): Flow<ServiceEvent> = flow {
        require(after == null || after >= 0) { "events have no negative numbers" }
        val stream = immediately { low.watch(after?.toULong(), kinds.map { it.whole() }) }
        var broken: CardeaException.RelyingParty? = null
        try {
            while (true) {
                val event = try {
                    call { stream.next() }
                } catch (error: CardeaException.RelyingParty) {
                    broken = error
                    onBreak(error)
                    continue
                }
                // It ends only behind an error that cannot pass.
                emit(event?.lift() ?: throw checkNotNull(broken) { "the events ended" })
                broken = null
            }
        } finally {
            stream.cancel()
            stream.destroy()
        }
    }

    /** Frees it now and not when it is found unused. Afterwards nothing is open. */
    override fun close(): Unit = low.destroy()

    override fun toString(): String = "RelyingParty"

    /** A yes only if one came. */
    private suspend fun certain(question: suspend () -> Boolean): Boolean = try {
        call { question() }
    } catch (cancelled: CancellationException) {
        throw cancelled
    } catch (_: Exception) {
        false
    }
}

private fun Duration.seconds(): ULong = inWholeSeconds.coerceAtLeast(0).toULong()
