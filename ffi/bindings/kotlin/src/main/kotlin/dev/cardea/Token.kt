package dev.cardea

import dev.cardea.ffi.Approval as LowApproval
import dev.cardea.ffi.DenyReason as LowReason
import dev.cardea.ffi.Token as LowToken
import kotlin.time.Duration

/**
 * A handle on one token of a [Wallet]. Holds no secrets and no lock; may be used from any thread, the main thread of an app
 * included. It is freed when nothing refers to it any more; [close] closes the token itself.
 *
 * Operations on one token wait for each other, over all processes that share the folder, and end after a minute. Each may be
 * cancelled at any time: what it had sent by then may have been done, and the next one finds out.
 *
 * Each throws [CardeaException]; with an approval or PINs that another call has taken, [IllegalStateException].
 */
public class Token internal constructor(internal val low: LowToken) {
    /** Its name in the wallet. */
    public val id: String = low.id()

    /** What the wallet holds of it. Asks nobody. */
    public suspend fun info(): TokenInfo = call { low.info().lift() }

    /**
     * Opens it, for [atMost] so long (at least two seconds, rounded down to a power of two) if given. While it is open this
     * begins a new window from now. A wrong PIN counts at the server.
     */
    public suspend fun open(approval: Approval, atMost: Duration? = null): Status = approved(approval) { lowered, _ ->
        low.open(lowered, atMost?.inWholeSeconds?.coerceAtLeast(0)?.toULong()).lift()
    }

    /** Opens it with a PIN, which is overwritten here and now. */
    public suspend fun open(pin: CharArray, atMost: Duration? = null): Status = open(Approval.Pin(pin), atMost)

    /** Closes the token. Needs no approval. */
    public suspend fun close(): Status = call {
        // With an argument: without one it would be the function of the same name that frees the handle.
        low.close(cancel = null).lift()
    }

    /** Asks the server how it stands. A token that is blocked or not enrolled any more is no error here. */
    public suspend fun status(): Status = call { low.status().lift() }

    /** Replaces all PINs. Duress PINs that are not among the new ones are gone. A wrong PIN counts at the server. */
    public suspend fun changePins(approval: Approval, pins: Pins): Status = pins.use {
        approved(approval) { lowered, wiped -> low.changePin(lowered, pins.lower(wiped)).lift() }
    }

    /**
     * Sets the duress PINs and keeps the PIN that opens, [current]. An empty list removes them. All arrays are overwritten here
     * and now. A wrong PIN counts at the server.
     */
    public suspend fun setDuress(current: CharArray, duress: List<CharArray>): Status =
        Pins(current, duress).use { pins ->
            call { wiped ->
                val lowered = pins.lower(wiped)
                low.setDuress(lowered.normal, lowered.duress).lift()
            }
        }

    /** Gives it up: the server forgets this device, then the wallet does. */
    public suspend fun unenroll(approval: Approval): Unit = approved(approval) { lowered, _ -> low.unenroll(lowered) }

    /** The texts that wait for an answer. */
    public suspend fun confirmations(): List<Confirmation> = call { low.confirmations().map(::Confirmation) }

    /** Approves a text. A wrong PIN counts at the server. */
    public suspend fun approve(confirmation: Confirmation, approval: Approval): Status =
        approved(approval) { lowered, _ -> low.approve(confirmation.low, lowered).lift() }

    /** Denies a text, without saying why unless [reason] does. Needs no approval. */
    public suspend fun deny(confirmation: Confirmation, reason: DenyReason? = null): Status =
        call { low.deny(confirmation.low, reason?.let { LowReason.valueOf(it.name) }).lift() }

    /** What the holder is to see of the service. */
    public suspend fun serviceInfo(): ServiceInfo = call { low.serviceInfo().lift() }

    /** The devices of the token, this one among them. */
    public suspend fun devices(): List<DeviceInfo> = call { low.devices().map { it.lift() } }

    /** A page of at most sixteen lines of what was done with the token, newest first. Page 0 is the newest one. */
    public suspend fun history(page: Int = 0): List<HistoryItem> {
        require(page in 0..255) { "history has the pages 0 to 255" }
        return call { low.history(page.toUByte()).map { it.lift() } }
    }

    /** Revokes another device of the token and closes the token. A wrong PIN counts at the server. */
    public suspend fun revokeDevice(id: String, approval: Approval): Status =
        approved(approval) { lowered, _ -> low.revokeDevice(id.whole(), lowered).lift() }

    /** Sets what the holder calls the token, at most 64 bytes. Stays in this wallet. */
    public suspend fun setLabel(label: String): Unit = call { low.setLabel(label.whole()) }

    /** Removes it from this wallet without telling the server, which goes on knowing the device. */
    public suspend fun forget(): Unit = call { low.forget() }

    private suspend fun <T> approved(
        approval: Approval,
        block: suspend (lowered: LowApproval, wiped: MutableList<ByteArray>) -> T,
    ): T = approval.use { Answers.during(id) { call { wiped -> block(approval.lower(wiped), wiped) } } }

    override fun toString(): String = "Token($id)"
}
