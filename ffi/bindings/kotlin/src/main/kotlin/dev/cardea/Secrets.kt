package dev.cardea

import java.util.concurrent.atomic.AtomicReference

/**
 * Bytes that are used once and then overwritten. Nothing here is printed.
 *
 * A PIN given as a [CharArray] is copied and the array is overwritten at once, so that the caller has nothing to clean up.
 */
internal class Secret(bytes: ByteArray) {
    private val held = AtomicReference<ByteArray?>(bytes)

    /** The bytes, for one use. Whoever takes them overwrites them. */
    fun take(): ByteArray = checkNotNull(held.getAndSet(null)) { "this was used already; PINs and keys are good for one call" }

    /** Overwrites the bytes if nobody has taken them. */
    fun wipe() {
        held.getAndSet(null)?.fill(0)
    }

    companion object {
        /** Takes a PIN over and overwrites what it came in. What is no ASCII stays what no PIN has. */
        fun pin(digits: CharArray): Secret {
            val bytes = ByteArray(digits.size) { index -> if (digits[index].code < 0x80) digits[index].code.toByte() else '?'.code.toByte() }
            digits.fill('\u0000')
            return Secret(bytes)
        }

        /** Takes a key over and overwrites what it came in. */
        fun key(key: ByteArray): Secret {
            val bytes = key.copyOf()
            key.fill(0)
            return Secret(bytes)
        }
    }
}
