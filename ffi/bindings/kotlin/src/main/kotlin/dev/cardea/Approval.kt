package dev.cardea

import dev.cardea.ffi.Approval as LowApproval
import dev.cardea.ffi.ApprovalAnswer as LowAnswer
import dev.cardea.ffi.NewPins as LowNewPins

/**
 * How the holder approves an operation. Good for one call: what is secret in it is overwritten as soon as the call has begun.
 *
 * Close it if no call takes it.
 */
public sealed class Approval : AutoCloseable {
    internal abstract fun lower(wiped: MutableList<ByteArray>): LowApproval

    /** Overwrites what is secret in it, unless a call has. */
    override fun close() {}

    final override fun toString(): String = "${javaClass.simpleName}([redacted])"

    /** As a [Presence] answers. Puts what is secret in it into [wiped]. */
    internal abstract fun answer(wiped: MutableList<ByteArray>): LowAnswer

    /** By PIN. [digits] is taken over and overwritten here and now. */
    public class Pin(digits: CharArray) : Approval() {
        private val secret = Secret.pin(digits)

        override fun lower(wiped: MutableList<ByteArray>): LowApproval = LowApproval.Pin(secret.take().also(wiped::add))

        override fun answer(wiped: MutableList<ByteArray>): LowAnswer = LowAnswer.Pin(secret.take().also(wiped::add))

        override fun close() {
            secret.wipe()
        }
    }

    /** By the key of the biometric slot. [key] is taken over and overwritten here and now. */
    public class Biometric(key: ByteArray) : Approval() {
        private val secret = Secret.key(key)

        override fun lower(wiped: MutableList<ByteArray>): LowApproval = LowApproval.Biometric(secret.take().also(wiped::add))

        override fun answer(wiped: MutableList<ByteArray>): LowAnswer = LowAnswer.Biometric(secret.take().also(wiped::add))

        override fun close() {
            secret.wipe()
        }
    }

    /** As the wallet's [Presence] says. */
    public object Ask : Approval() {
        override fun lower(wiped: MutableList<ByteArray>): LowApproval = LowApproval.Ask

        override fun answer(wiped: MutableList<ByteArray>): LowAnswer = throw IllegalStateException("a presence that asks back")
    }
}

/**
 * The PINs that the holder chose: [normal] opens the token, each of [duress] seems to. All have the same length. [biometric]
 * is a random key of 32 bytes that is kept behind biometrics, if the service allows that.
 *
 * All arrays are taken over and overwritten here and now. Good for one call; close it if no call takes it.
 */
public class Pins(
    normal: CharArray,
    duress: List<CharArray> = emptyList(),
    biometric: ByteArray? = null,
) : AutoCloseable {
    private val normal = Secret.pin(normal)
    private val duress = duress.map(Secret::pin)
    private val biometric = biometric?.let(Secret::key)

    internal fun lower(wiped: MutableList<ByteArray>): LowNewPins {
        fun take(secret: Secret) = secret.take().also(wiped::add)
        return LowNewPins(take(normal), duress.map(::take), biometric?.let(::take))
    }

    /** Overwrites the PINs, unless a call has. */
    override fun close() {
        normal.wipe()
        duress.forEach(Secret::wipe)
        biometric?.wipe()
    }

    override fun toString(): String = "Pins([redacted])"
}
