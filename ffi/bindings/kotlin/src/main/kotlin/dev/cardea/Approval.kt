package dev.cardea

import dev.cardea.ffi.Approval as LowApproval
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

    /** By PIN. [digits] is taken over and overwritten here and now. */
    public class Pin(digits: CharArray) : Approval() {
        private val secret = Secret.pin(digits)

        override fun lower(wiped: MutableList<ByteArray>): LowApproval = LowApproval.Pin(secret.take().also(wiped::add))

        override fun close() {
            secret.wipe()
        }
    }
}

/**
 * The PINs that the holder chose: [normal] opens the token, each of [duress] seems to. All have the same length.
 *
 * All arrays are taken over and overwritten here and now. Good for one call; close it if no call takes it.
 */
public class Pins(
    normal: CharArray,
    duress: List<CharArray> = emptyList(),
) : AutoCloseable {
    private val normal = Secret.pin(normal)
    private val duress = duress.map(Secret::pin)

    internal fun lower(wiped: MutableList<ByteArray>): LowNewPins {
        fun take(secret: Secret) = secret.take().also(wiped::add)
        return LowNewPins(take(normal), duress.map(::take))
    }

    /** Overwrites the PINs, unless a call has. */
    override fun close() {
        normal.wipe()
        duress.forEach(Secret::wipe)
    }

    override fun toString(): String = "Pins([redacted])"
}
