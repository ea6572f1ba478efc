package dev.cardea.test

import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import org.junit.Test

/**
 * Opening and closing again and again leaves nothing behind. A few hundred times here; `CARDEA_CYCLES=100000` in the
 * environment of the tests runs as many.
 *
 * In a JVM of its own whose heap has all its pages from the start: another one takes pages until its heap is full for the
 * first time, which looks like a leak of tens of kilobytes in each cycle and is none. And without its compiler, which takes
 * and gives back megabytes whenever it likes.
 */
class CyclesTest {
    private val count = System.getenv("CARDEA_CYCLES")?.toInt() ?: 400

    @Test
    fun `cycles leave no file, thread, handle or memory behind`() {
        check(File("/proc/self/status").exists()) { "this counts what Linux counts" }
        val heap = listOf("-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-Xint")
        val child = childProgram("cycles", Server.shared.enroll(newUser()), count.toString(), heap = heap)
        val held = child.inputStream.bufferedReader().readLines().map(Held::parse)
        assertEquals(0, child.waitFor())
        held.forEachIndexed { quarter, it -> println("   after ${quarter * (count / 4)} cycles: $it") }
        // The first half loads classes, fills caches and starts threads.
        val (middle, last) = held[2] to held[4]
        fun grew(name: String, slack: Long, what: Held.() -> Long) =
            assertTrue(last.what() <= middle.what() + slack, "$name: $middle, then $last")
        grew("files", 2) { files }
        grew("threads", 4) { threads }
        // One that was just freed may be on its way.
        grew("handles", 2) { handles }
        // What the JVM itself does meanwhile moves by a hundred kilobytes, however many cycles there are.
        grew("native memory", 512) { native }
        grew("objects", 2 * 1024) { objects }
        grew("resident memory", 2 * 1024) { resident }
    }
}
