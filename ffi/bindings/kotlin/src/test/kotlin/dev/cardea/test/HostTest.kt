package dev.cardea.test

import dev.cardea.CardeaException
import dev.cardea.Clock
import dev.cardea.Entropy
import dev.cardea.Host
import dev.cardea.State
import dev.cardea.Wallet
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.junit.Test

/** Hosts that misbehave: each makes an error of its own, and nothing hangs, panics or opens. */
class HostTest {
    private val server get() = Server.shared
    private val user = newUser()

    private suspend fun <E : Throwable> broken(error: Class<E>, host: Host): CardeaException {
        val wallet = runCatching { Wallet.inMemory(OPTIONS, host).enroll(server.enroll(user), pin()).token.open(pin()) }
        val thrown = wallet.exceptionOrNull()
        assertTrue(error.isInstance(thrown), "$thrown")
        assertTrue(server.status(user) != 1)
        return thrown as CardeaException
    }

    @Test
    fun `a host that throws anything is an error of its own, and its words are not repeated`(): Unit = runBlocking {
        val thrown = listOf(
            IllegalStateException("secret-word"), RuntimeException(), StackOverflowError("secret-word"),
            OutOfMemoryError("secret-word"), AssertionError("secret-word"), InterruptedException("secret-word"),
        )
        for (what in thrown) {
            for (host in listOf(Host(clock = Clock { throw what }), Host(entropy = Entropy { throw what }))) {
                val error = broken(CardeaException.HostFailed::class.java, host)
                assertEquals(151, error.code)
                assertFalse("secret-word" in error.toString(), error.toString())
            }
        }
    }

    @Test
    fun `a host that gives too little or too much randomness, or no time, is refused`(): Unit = runBlocking {
        for (size in listOf(0, 1, 1_000_000)) {
            broken(CardeaException.HostFailed::class.java, Host(entropy = Entropy { ByteArray(size) }))
        }
        broken(CardeaException.HostFailed::class.java, Host(clock = Clock { -1 }))
    }

    @Test
    fun `bad randomness does no harm`(): Unit = runBlocking {
        val tokens = List(2) {
            val wallet = Wallet.inMemory(OPTIONS, Host(entropy = Entropy { count -> ByteArray(count) }))
            wallet.enroll(server.enroll(newUser()), pin()).token.id
        }
        assertTrue(tokens[0] != tokens[1])
    }

    @Test
    fun `a host that calls the wallet back on the same thread is refused and does not hang`(): Unit = runBlocking {
        val refused = CompletableDeferred<Throwable>()
        val host = Host(clock = Clock {
            runBlocking {
                val error = runCatching { Wallet.inMemory(OPTIONS) }.exceptionOrNull()
                refused.complete(error ?: AssertionError("it was let in"))
            }
            System.currentTimeMillis() / 1000
        })
        val token = Wallet.inMemory(OPTIONS, host).enroll(server.enroll(user), pin()).token
        assertEquals(151, (refused.await() as CardeaException).code)
        assertEquals(State.OPEN, token.open(pin()).state)
    }

    @Test
    fun `a host that is slow holds up nobody else, and who waits may give up`(): Unit = runBlocking {
        val (asked, answer) = CompletableDeferred<Unit>() to CountDownLatch(1)
        val slow = Host(clock = Clock {
            asked.complete(Unit)
            answer.await()
            0
        })
        val waiting = launch(Dispatchers.Default) { Wallet.inMemory(OPTIONS, slow) }
        asked.await()
        assertEquals(State.OPEN, server.enrolled(user).token.open(pin()).state)
        waiting.cancelAndJoin()
        answer.countDown()
    }

    @Test
    fun `clocks that are wrong by decades change nothing but what the holder is told`(): Unit = runBlocking {
        for (now in listOf(0L, 1, 4_102_444_800, 253_402_300_799)) {
            val user = newUser()
            val wallet = Wallet.inMemory(OPTIONS, Host(clock = Clock { now }))
            val token = wallet.enroll(server.enroll(user), pin()).token
            val status = token.open(pin())
            assertEquals(State.OPEN to 1, status.state to server.status(user), "$now")
            assertTrue(status.clockDifference!!.inWholeDays > 365)
            token.close()
        }
    }

    @Test
    fun `many callbacks at the same time are answered`(): Unit = runBlocking {
        val readings = AtomicInteger()
        val host = Host(clock = Clock { readings.incrementAndGet(); System.currentTimeMillis() / 1000 }, entropy = Entropy { ByteArray(it) })
        val wallet = Wallet.inMemory(OPTIONS, host)
        val tokens = List(8) { wallet.enroll(server.enroll(newUser()), pin()).token }
        val before = readings.get()
        withContext(Dispatchers.IO) { tokens.map { token -> async { repeat(10) { token.status() } } }.forEach { it.await() } }
        assertTrue(readings.get() - before >= 80)
    }
}
