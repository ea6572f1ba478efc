package dev.cardea.test

import dev.cardea.Clock
import dev.cardea.Host
import dev.cardea.Invitation
import dev.cardea.State
import dev.cardea.Transport
import dev.cardea.Wallet
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Test

/**
 * Opening and closing again and again leaves nothing behind. A few hundred times here; `CARDEA_CYCLES=100000` in the
 * environment of the tests runs as many.
 */
class CyclesTest {
    private val cycles = System.getenv("CARDEA_CYCLES")?.toInt() ?: 300

    /** What the process holds, in files and in threads, and in KiB of memory. */
    private class Held {
        val files: Int
        val threads: Int
        val memory: Int

        init {
            repeat(3) { System.gc() }
            System.runFinalization()
            files = File("/proc/self/fd").list()!!.size
            val status = File("/proc/self/status").readLines()
            fun number(name: String) = status.first { it.startsWith("$name:") }.filter { it.isDigit() }.toInt()
            threads = number("Threads")
            memory = number("VmRSS")
        }

        override fun toString() = "$files files, $threads threads, $memory KiB"
    }

    @Test
    fun `cycles leave no file, thread or memory behind`(): Unit = runBlocking {
        check(File("/proc/self/status").exists()) { "this counts what Linux counts" }
        val host = Host(clock = Clock { System.currentTimeMillis() / 1000 })
        val wallet = Wallet.inMemory(OPTIONS.copy(transport = Transport.TCP, recoverInBackground = false), host)
        val token = wallet.enroll(Server.shared.enroll(newUser()), pin()).token
        suspend fun cycle() {
            // Everything that has a handle on the other side, too.
            val listener = launch(start = CoroutineStart.UNDISPATCHED) { wallet.events.collect {} }
            assertEquals(State.OPEN, wallet.tokens().single().open(pin()).state)
            assertEquals(State.CLOSED, token.close().state)
            runCatching { Invitation.fromText("none") }
            listener.cancelAndJoin()
        }
        repeat(100) { cycle() }
        val before = Held()
        repeat(cycles) { cycle() }
        val after = Held()
        println("   before: $before; after $cycles cycles: $after")
        assertTrue(after.files <= before.files + 8, "$before, then $after")
        assertTrue(after.threads <= before.threads + 8, "$before, then $after")
        // A kilobyte for each cycle would be 100 MB for a hundred thousand. The JVM itself moves by some megabytes.
        assertTrue(after.memory <= before.memory + 24 * 1024, "$before, then $after")
    }
}
