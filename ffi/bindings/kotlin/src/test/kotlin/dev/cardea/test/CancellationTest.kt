package dev.cardea.test

import dev.cardea.Approval
import dev.cardea.CardeaException
import dev.cardea.Confirmation
import dev.cardea.Event
import dev.cardea.Host
import dev.cardea.Invitation
import dev.cardea.LogSink
import dev.cardea.Pins
import dev.cardea.State
import dev.cardea.Token
import dev.cardea.Transport
import dev.cardea.Wallet
import java.net.InetSocketAddress
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotEquals
import kotlin.test.assertTrue
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlin.time.Duration.Companion.milliseconds
import org.junit.After
import org.junit.Test

/** Calls that are given up, and servers that go away, at every piece of data that travels. */
class CancellationTest {
    private val proxy = Proxy()
    private val server = Server(settings = listOf("public.channel_port=${proxy.port}"))
    private val user = newUser()

    init {
        proxy.server = InetSocketAddress("127.0.0.1", server.channel.substringAfterLast(':').toInt())
    }

    @After
    fun stop() {
        proxy.close()
        server.close()
    }

    private suspend fun wallet() = Wallet.inMemory(OPTIONS.copy(transport = Transport.TCP, recoverInBackground = false))

    /** What a device does, and what the relying party may read after it was given up somewhere. */
    private class Deed(val after: Set<Int>, val act: suspend (Token) -> Unit)

    private val deeds = mapOf(
        "open" to Deed(setOf(1, 2)) { it.open(pin()) },
        "close" to Deed(setOf(1, 2)) { it.close() },
        "status" to Deed(setOf(1, 2)) { it.status() },
        "change" to Deed(setOf(1, 2)) { it.changePins(Approval.Pin(pin()), Pins(pin())) },
        "confirmations" to Deed(setOf(1, 2)) { it.confirmations() },
        "devices" to Deed(setOf(1, 2)) { it.devices() },
        "history" to Deed(setOf(1, 2)) { it.history() },
        "service" to Deed(setOf(1, 2)) { it.serviceInfo() },
        "duress" to Deed(setOf(1, 2)) { it.setDuress(pin(), listOf(pin(DURESS))) },
        "approve" to Deed(setOf(1, 2)) { it.approve(waiting(it), Approval.Pin(pin())) },
        "deny" to Deed(setOf(1, 2)) { it.deny(waiting(it)) },
        "revoke" to Deed(setOf(1, 2)) { token ->
            try {
                token.revokeDevice("00000000", Approval.Pin(pin()))
            } catch (_: CardeaException.Refused) {
                // There is no such device, which only the server knows.
            }
        },
    )

    /** A text that waits for an answer. */
    private suspend fun waiting(token: Token): Confirmation {
        if (token.status().confirmations == 0) server.ask(user, "Yes?")
        return token.confirmations().first()
    }

    /** Runs `act` for each piece at which the connection can break, until it gets through without a break. */
    private suspend fun atEveryPiece(act: suspend () -> Unit): Int {
        var piece = 0
        while (true) {
            proxy.breakAt(piece)
            act()
            if (!proxy.hasBroken) return piece
            proxy.mend()
            piece += 1
            check(piece < 100) { "no end of pieces" }
        }
    }

    @Test
    fun `every operation may be given up wherever it waits, and the token goes on`(): Unit = runBlocking {
        val token = wallet().enroll(Invitation.fromText(server.enroll(user)), Pins(pin())).token
        for ((name, deed) in deeds) {
            val pieces = atEveryPiece {
                val running = launch(Dispatchers.Default) { runCatching { deed.act(token) } }
                proxy.awaitBroken(running)
                running.cancelAndJoin()
                proxy.mend()
                // The next operation finds out what became of it.
                val state = token.status().state
                assertTrue(server.status(user) in deed.after, "$name: $state")
                assertEquals(state == State.OPEN, server.status(user) == 1, name)
            }
            assertTrue(pieces >= 2, "$name has $pieces pieces")
        }
        assertEquals(10, token.status().triesLeft)
    }

    @Test
    fun `every operation that was broken comes to its end once the server is back`(): Unit = runBlocking {
        val token = wallet().enroll(Invitation.fromText(server.enroll(user)), Pins(pin())).token
        for ((name, deed) in deeds) {
            val pieces = atEveryPiece {
                val running = async(Dispatchers.Default) { runCatching { deed.act(token) } }
                proxy.awaitBroken(running)
                val isBroken = proxy.hasBroken
                proxy.mend()
                val error = running.await().exceptionOrNull()
                val isLost = error is CardeaException.Offline || error is CardeaException.NotConfirmed
                assertTrue(error == null || isBroken && isLost, "$name: $error")
                val state = token.status().state
                assertEquals(state == State.OPEN, server.status(user) == 1, name)
            }
            assertTrue(pieces >= 2, "$name has $pieces pieces")
        }
        assertEquals(10, token.status().triesLeft)
    }

    @Test
    fun `asking for the policy may be given up anywhere, and uses nothing up`(): Unit = runBlocking {
        var piece = 0
        while (true) {
            val (wallet, user) = wallet() to newUser()
            val link = server.enroll(user)
            proxy.breakAt(piece)
            val asking = launch(Dispatchers.Default) { runCatching { wallet.policy(Invitation.fromText(link)) } }
            proxy.awaitBroken(asking)
            asking.cancelAndJoin()
            val broken = proxy.hasBroken
            proxy.mend()
            assertEquals(State.OPEN, wallet.enroll(Invitation.fromText(link), Pins(pin())).token.open(pin()).state)
            if (!broken) break
            piece += 1
        }
        assertTrue(piece >= 2)
    }

    @Test
    fun `giving a token up may be given up anywhere, and is done by the next try`(): Unit = runBlocking {
        var piece = 0
        while (true) {
            val (wallet, user) = wallet() to newUser()
            val token = wallet.enroll(Invitation.fromText(server.enroll(user)), Pins(pin())).token
            proxy.breakAt(piece)
            val leaving = launch(Dispatchers.Default) { runCatching { token.unenroll(Approval.Pin(pin())) } }
            proxy.awaitBroken(leaving)
            leaving.cancelAndJoin()
            val broken = proxy.hasBroken
            proxy.mend()
            val error = runCatching { token.unenroll(Approval.Pin(pin())) }.exceptionOrNull()
            val isGone = error is CardeaException.NotEnrolled || error is CardeaException.Misuse && error.code == 104
            assertTrue(error == null || isGone, "$piece: $error")
            assertEquals(0, server.status(user), "$piece")
            if (!broken) break
            piece += 1
        }
        assertTrue(piece >= 2)
    }

    @Test
    fun `an opening that was broken is done once the server is back, and once only`(): Unit = runBlocking {
        val token = wallet().enroll(Invitation.fromText(server.enroll(user)), Pins(pin())).token
        token.close()
        var piece = 0
        while (true) {
            proxy.breakAt(piece)
            val opening = async(Dispatchers.Default) { runCatching { token.open(pin()) } }
            proxy.awaitBroken(opening)
            val broken = proxy.hasBroken
            proxy.mend()
            val outcome = opening.await()
            val error = outcome.exceptionOrNull()
            assertTrue(error == null || error is CardeaException.Offline, "$piece: $error")
            assertEquals(if (error == null) 1 else 2, server.status(user), "$piece")
            assertEquals(State.CLOSED, token.close().state)
            if (!broken) break
            piece += 1
        }
        assertTrue(piece >= 2)
        assertEquals(10, token.status().triesLeft)
    }

    @Test
    fun `an enrollment that was given up leaves nothing, or a token that works`(): Unit = runBlocking {
        var piece = 0
        while (true) {
            val (wallet, user) = wallet() to newUser()
            val invitation = Invitation.fromText(server.enroll(user))
            proxy.breakAt(piece)
            val enrolling = launch(Dispatchers.Default) { runCatching { wallet.enroll(invitation, Pins(pin())) } }
            proxy.awaitBroken(enrolling)
            enrolling.cancelAndJoin()
            val broken = proxy.hasBroken
            proxy.mend()
            assertNotEquals(1, server.status(user))
            val token = wallet.tokens().firstOrNull()
            if (token != null) {
                val opened = runCatching { token.open(pin()).state }
                val error = opened.exceptionOrNull()
                assertTrue(error == null || error is CardeaException.NotEnrolled || error is CardeaException.Refused, "$piece: $error")
                assertEquals(error == null, server.status(user) == 1, "$piece")
            }
            if (!broken) break
            piece += 1
        }
        assertTrue(piece >= 2)
    }

    @Test
    fun `without a server every operation says so and has sent nothing`(): Unit = runBlocking {
        val token = wallet().enroll(Invitation.fromText(server.enroll(user)), Pins(pin())).token
        token.close()
        proxy.refuse()
        for ((name, deed) in deeds) {
            val error = assertFailsWith<CardeaException.Offline>(name) { deed.act(token) }
            assertEquals(102, error.code)
        }
        assertFailsWith<CardeaException.Offline> { token.unenroll(Approval.Pin(pin())) }
        proxy.admit()
        assertEquals(State.OPEN, token.open(pin()).state)
        assertEquals(10, token.status().triesLeft)
    }

    @Test
    fun `a call that never began is cancelled like any other, and its PIN is overwritten`(): Unit = runBlocking {
        val token = wallet().enroll(Invitation.fromText(server.enroll(user)), Pins(pin())).token
        val pin = pin()
        val never = launch(start = CoroutineStart.LAZY) { token.open(pin) }
        never.cancelAndJoin()
        // Nobody took it over, so it is still the caller's.
        assertEquals(PIN, String(pin))
        val at = async(start = CoroutineStart.UNDISPATCHED) { token.open(pin) }
        at.cancelAndJoin()
        assertTrue(pin.all { it == '\u0000' })
        assertFailsWith<CancellationException> { at.await() }
        assertEquals(2, token.close().state.let { server.status(user) })
    }

    @Test
    fun `waiting for an event may be given up and none is lost`(): Unit = runBlocking {
        val wallet = wallet()
        val token = wallet.enroll(Invitation.fromText(server.enroll(user)), Pins(pin())).token
        repeat(20) {
            assertFailsWith<CancellationException> { withTimeout(1.milliseconds) { wallet.events.first { it is Event.Missed } } }
        }
        val next = async(start = CoroutineStart.UNDISPATCHED) { wallet.events.first() }
        token.close()
        assertEquals(Event.Closed(token.id), next.await())
    }

    @Test
    fun `a log hears what the library does by itself, without secrets, and may throw`(): Unit = runBlocking {
        val line = CompletableDeferred<String>()
        val log = LogSink { level, text ->
            line.complete("$level $text")
            throw StackOverflowError("on purpose")
        }
        val options = OPTIONS.copy(transport = Transport.TCP, recoverInBackground = false)
        val wallet = Wallet.inMemory(options, Host(log = log))
        val token = wallet.enroll(Invitation.fromText(server.enroll(user)), Pins(pin())).token
        proxy.breakAt(1)
        val opening = async(Dispatchers.Default) { token.open(pin()).state }
        proxy.awaitBroken(opening)
        val said = line.await()
        proxy.mend()
        assertEquals(State.OPEN, opening.await())
        assertTrue("token" in said && PIN !in said && user !in said, said)
    }
}
