package dev.cardea.test

import dev.cardea.Approval
import dev.cardea.CardeaException
import dev.cardea.Clock
import dev.cardea.Entropy
import dev.cardea.Host
import dev.cardea.Pins
import dev.cardea.Presence
import dev.cardea.PresenceRequest
import dev.cardea.Purpose
import dev.cardea.SecretStore
import dev.cardea.State
import dev.cardea.Wallet
import java.io.IOException
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicReference
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
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

    /** A store of secrets that keeps them in memory, unless the test says otherwise. */
    private open class Store : SecretStore {
        val kept = ConcurrentHashMap<String, ByteArray>()

        override fun load(name: String): ByteArray? = kept[name]?.copyOf()

        override fun save(name: String, secret: ByteArray) {
            kept[name] = secret.copyOf()
        }

        override fun remove(name: String) {
            kept.remove(name)
        }
    }

    @Test
    fun `a store of secrets that throws, is full, lies or forgets is an error and never an empty wallet`(): Unit = runBlocking {
        val broken = listOf(
            object : Store() {
                override fun load(name: String): ByteArray = throw StackOverflowError("on purpose")
            },
            object : Store() {
                override fun save(name: String, secret: ByteArray) = throw IOException("full")
            },
            object : Store() {
                override fun save(name: String, secret: ByteArray) {}
            },
            object : Store() {
                override fun load(name: String): ByteArray? = super.load(name)?.also { it[0] = (it[0] + 1).toByte() }
            },
            object : Store() {
                override fun load(name: String): ByteArray? = super.load(name)?.copyOf(7)
            },
        )
        for (store in broken) {
            val folder = newFolder().resolve("wallet")
            assertFailsWith<CardeaException> { Wallet.open(folder, OPTIONS, Host(secrets = store)) }
            folder.parentFile.deleteRecursively()
        }
        val folder = newFolder().resolve("wallet")
        val good = Store()
        val wallet = Wallet.open(folder, OPTIONS, Host(secrets = good))
        val token = wallet.enroll(server.enroll(user), pin()).token
        wallet.close()
        assertEquals(listOf(token.id), Wallet.open(folder, OPTIONS, Host(secrets = good)).tokens().map { it.id })
        assertFailsWith<CardeaException.Storage> { Wallet.open(folder, OPTIONS, Host(secrets = Store())) }
        good.kept.replaceAll { _, secret -> secret.copyOf().also { it[3] = (it[3] + 1).toByte() } }
        assertFailsWith<CardeaException.Storage> { Wallet.open(folder, OPTIONS, Host(secrets = good)) }
        folder.parentFile.deleteRecursively()
    }

    @Test
    fun `a presence is asked, may use the wallet, may refuse and may throw`(): Unit = runBlocking {
        lateinit var answer: suspend (PresenceRequest) -> Approval
        val wallet = Wallet.inMemory(OPTIONS, Host(presence = Presence { answer(it) }))
        val token = wallet.enroll(server.enroll(user), pin()).token
        answer = { request ->
            assertEquals(Purpose.Open to token.id, request.purpose to request.token)
            // While it is asked, the wallet can be used.
            assertEquals(State.CLOSED, token.status().state)
            Approval.Pin(pin())
        }
        assertEquals(State.OPEN, token.open(Approval.Ask).state)
        token.close()
        answer = { throw CancellationException("the holder gave up") }
        assertEquals(106, assertFailsWith<CardeaException.Cancelled> { token.open(Approval.Ask) }.code)
        answer = { Approval.Pin(pin(WRONG)) }
        assertFailsWith<CardeaException.PinRejected> { token.open(Approval.Ask) }
        for (bad in listOf<suspend (PresenceRequest) -> Approval>({ Approval.Ask }, { throw StackOverflowError("on purpose") })) {
            answer = bad
            assertFailsWith<CardeaException> { token.open(Approval.Ask) }
        }
        assertEquals(2, server.status(user))
        assertFailsWith<CardeaException> { server.enrolled(newUser()).token.open(Approval.Ask) }
    }

    /** The bytes that an approval holds, to see what becomes of them. */
    private fun held(approval: Approval): ByteArray {
        fun field(of: Any, name: String) = of.javaClass.getDeclaredField(name).apply { isAccessible = true }.get(of)
        return (field(field(approval, "secret"), "held") as AtomicReference<*>).get() as ByteArray
    }

    private fun ByteArray.isWiped() = all { it == 0.toByte() }

    @Test
    fun `what a presence answers is overwritten when the operation is over`(): Unit = runBlocking {
        lateinit var given: ByteArray
        lateinit var answer: () -> Approval
        val wallet = Wallet.inMemory(OPTIONS, Host(presence = Presence { answer().also { given = held(it) } }))
        val token = wallet.enroll(server.enroll(user), pin()).token
        answer = { Approval.Pin(pin()) }
        assertEquals(State.OPEN, token.open(Approval.Ask).state)
        assertTrue(given.isWiped())
        for (bad in listOf<() -> Approval>({ Approval.Pin(pin(WRONG)) }, { Approval.Biometric(biometricKey()) })) {
            answer = bad
            assertFailsWith<CardeaException> { token.changePins(Approval.Ask, Pins(pin())) }
            assertTrue(given.isWiped())
        }
    }

    @Test
    fun `what a presence answers when nobody waits any more is overwritten, and that of another operation is not`(): Unit = runBlocking {
        val asked = Channel<CompletableDeferred<Approval>>(Channel.UNLIMITED)
        val presence = Presence { CompletableDeferred<Approval>().also { asked.send(it) }.await() }
        val token = Wallet.inMemory(OPTIONS, Host(presence = presence)).enroll(server.enroll(user), pin()).token
        val pins = List(2) { Approval.Pin(pin()) }
        val bytes = pins.map(::held)
        val openings = List(2) {
            val opening = async(Dispatchers.Default) { token.open(Approval.Ask).state }
            opening to asked.receive()
        }
        // Both wait for the holder. One gets an answer and opens; of the other one nobody wants an answer.
        openings[0].second.complete(pins[0])
        assertEquals(State.OPEN, openings[0].first.await())
        openings[1].first.cancelAndJoin()
        assertTrue(bytes[0].isWiped())
        openings[1].second.complete(pins[1])
        withTimeout(30.seconds) { while (!bytes[1].isWiped()) yield() }
    }
}
