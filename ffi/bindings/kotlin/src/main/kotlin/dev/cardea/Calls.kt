package dev.cardea

import dev.cardea.ffi.CardeaException as Low
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope

/**
 * Calls the library, which does its work on threads of its own. Cancelling the caller drops the call on the other side too.
 *
 * [block] puts each array with a secret into the list that it is given. All are overwritten as soon as the other side has
 * its copy, which is before the call waits for anything.
 */
internal suspend fun <T> call(block: suspend (wiped: MutableList<ByteArray>) -> T): T {
    val wiped = mutableListOf<ByteArray>()
    Library.own()
    try {
        return coroutineScope {
            // Undispatched: runs here and now up to where it waits for the first time.
            val running = async(start = CoroutineStart.UNDISPATCHED) { block(wiped) }
            wiped.forEach { it.fill(0) }
            running.await()
        }
    } catch (error: Low) {
        throw error.raised()
    } finally {
        wiped.forEach { it.fill(0) }
    }
}

/** Calls something that answers at once. */
internal inline fun <T> immediately(block: () -> T): T = try {
    Library.own()
    block()
} catch (error: Low) {
    throw error.raised()
}

/** The text as it can travel: half a character, which `String` allows, becomes a question mark. */
internal fun String.whole(): String = String(toByteArray())
