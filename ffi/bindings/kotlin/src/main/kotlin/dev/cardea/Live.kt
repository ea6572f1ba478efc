package dev.cardea

import dev.cardea.ffi.Live as LowLive

/**
 * Live sessions for every token of a wallet: what happens to a token on another device or at the server becomes an event. For
 * as long as the holder looks at the app; afterwards there is no socket and no task.
 *
 * Keep a reference: one that nothing refers to any more ends by itself.
 */
public class Live internal constructor(private val low: LowLive) : AutoCloseable {
    /**
     * Looks again at once: after sleep, after a change of network, or when the platform's push service said that something happened.
     * Of many calls in a row the first three are done at once, and the rest together, ten seconds after the one before.
     */
    public fun wake(): Unit = immediately { low.wake() }

    /** Ends the sessions and waits until no connection is left, unless another [Live] of the wallet keeps them. */
    public suspend fun stop(): Unit = call { low.stop() }

    /** Ends the sessions without waiting. */
    override fun close(): Unit = low.destroy()
}
