package dev.cardea.test

import com.sun.jna.Library
import com.sun.jna.Native
import com.sun.jna.Structure
import dev.cardea.Clock
import dev.cardea.Host
import dev.cardea.Invitation
import dev.cardea.State
import dev.cardea.Transport
import dev.cardea.Wallet
import java.io.File
import java.lang.management.ManagementFactory
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

/** What `mallinfo2` of the C library tells; bytes. */
@Suppress("unused")
@Structure.FieldOrder("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
class Allocated : Structure(), Structure.ByValue {
    @JvmField var arena = 0L
    @JvmField var ordblks = 0L
    @JvmField var smblks = 0L
    @JvmField var hblks = 0L
    @JvmField var hblkhd = 0L
    @JvmField var usmblks = 0L
    @JvmField var fsmblks = 0L
    @JvmField var uordblks = 0L
    @JvmField var fordblks = 0L
    @JvmField var keepcost = 0L
}

interface C : Library {
    fun mallinfo2(): Allocated
}

/** What a process holds: open files, threads, what the generated code keeps for the library, and KiB of memory. */
data class Held(
    val files: Long,
    val threads: Long,
    /** Continuations and callbacks that wait to be called. */
    val handles: Long,
    /** Allocated natively and not freed, the JVM's own included. */
    val native: Long,
    /** Java objects in use. */
    val objects: Long,
    /** Pages, whatever they are for. */
    val resident: Long,
) {
    fun line(): String = "$files $threads $handles $native $objects $resident"

    override fun toString(): String =
        "$files files, $threads threads, $handles handles, $native KiB native, $objects KiB of objects, $resident KiB resident"

    companion object {
        private val c: C by lazy { Native.load("c", C::class.java) }

        fun parse(line: String): Held {
            val numbers = line.split(" ").map { it.toLong() }
            return Held(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
        }

        fun now(): Held {
            repeat(3) { System.gc() }
            val status = File("/proc/self/status").readLines()
            fun number(name: String) = status.first { it.startsWith("$name:") }.filter { it.isDigit() }.toLong()
            return Held(
                files = File("/proc/self/fd").list()!!.size.toLong(),
                threads = number("Threads"),
                handles = handles(),
                native = c.mallinfo2().let { it.uordblks + it.hblkhd } / 1024,
                objects = ManagementFactory.getMemoryMXBean().heapMemoryUsage.used / 1024,
                resident = number("VmRSS"),
            )
        }

        /** The sizes of the generated code's own tables, which nothing outside it names. */
        private fun handles(): Long {
            fun size(map: Any) = (map.javaClass.getDeclaredMethod("getSize").apply { isAccessible = true }.invoke(map) as Int).toLong()
            fun field(owner: String, name: String) =
                checkNotNull(Class.forName("dev.cardea.ffi.$owner").getDeclaredField(name).apply { isAccessible = true }.get(null))
            return size(field("Cardea_ffiKt", "uniffiContinuationHandleMap")) + size(field("FfiConverterTypeClock", "handleMap"))
        }
    }
}

/** Opens and closes a token [count] times, and prints what the process holds before and after each quarter of them. */
fun cycles(link: String, count: Int) = runBlocking {
    val host = Host(clock = Clock { System.currentTimeMillis() / 1000 })
    val wallet = Wallet.inMemory(OPTIONS.copy(transport = Transport.TCP, recoverInBackground = false), host)
    val token = wallet.enroll(link, pin()).token
    println(Held.now().line())
    repeat(4) {
        repeat(count / 4) {
            // Everything that has a handle on the other side, too.
            val listener = launch(start = CoroutineStart.UNDISPATCHED) { wallet.events.collect {} }
            check(wallet.tokens().single().open(pin()).state == State.OPEN)
            check(token.close().state == State.CLOSED)
            runCatching { Invitation.fromText("none") }
            Wallet.inMemory(OPTIONS, host).close()
            listener.cancelAndJoin()
        }
        println(Held.now().line())
    }
}
