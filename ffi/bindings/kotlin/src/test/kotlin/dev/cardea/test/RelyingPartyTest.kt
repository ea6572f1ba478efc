package dev.cardea.test

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import dev.cardea.Answer
import dev.cardea.Approval
import dev.cardea.CardeaException
import dev.cardea.Pins
import dev.cardea.Invitation
import dev.cardea.RelyingParty
import dev.cardea.RelyingPartyOptions
import dev.cardea.ServiceEvent
import dev.cardea.TokenStatus
import dev.cardea.Wallet
import java.net.InetAddress
import java.net.InetSocketAddress
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Test

/** Relying parties: whatever goes wrong, nobody is let in. */
class RelyingPartyTest {
    private val server get() = Server.shared
    private val user = newUser()
    private val fakes = mutableListOf<HttpServer>()

    @After
    fun stop() = fakes.forEach { it.stop(0) }

    private fun party(
        at: String = server.http,
        key: String = server.adminKey,
        options: RelyingPartyOptions = RelyingPartyOptions(),
    ) = RelyingParty(at, server.service, key, options)

    /** Somebody who answers in a server's place; where. */
    private fun fake(answer: (HttpExchange) -> Unit): String {
        val fake = HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0)
        fake.createContext("/") { exchange -> exchange.use(answer) }
        fake.start()
        fakes += fake
        return "http://127.0.0.1:${fake.address.port}"
    }

    private inline fun HttpExchange.use(answer: (HttpExchange) -> Unit) = try {
        answer(this)
    } finally {
        close()
    }

    private fun HttpExchange.say(code: Int, body: String, length: Long = body.length.toLong(), vararg headers: Pair<String, String>) {
        responseHeaders["Content-Type"] = "application/json"
        headers.forEach { (name, value) -> responseHeaders[name] = value }
        sendResponseHeaders(code, length)
        responseBody.write(body.toByteArray())
    }

    private suspend fun refused(party: RelyingParty): CardeaException.RelyingParty {
        assertFalse(party.isOpen(user))
        assertFalse(party.gate(user))
        return assertFailsWith { party.status(user) }
    }

    @Test
    fun `a door is open while the token is`(): Unit = runBlocking {
        val wallet = Wallet.inMemory(OPTIONS)
        val party = party(key = server.statusKey)
        val token = wallet.enroll(Invitation.fromText(server.enroll(user)), Pins(pin(), listOf(pin(DURESS)))).token
        assertEquals(TokenStatus.CLOSED, party.status(user))
        assertFalse(party.isOpen(user) || party.gate(user))
        token.open(pin())
        assertEquals(TokenStatus.OPEN, party.status(user))
        assertTrue(party.isOpen(user) && party.gate(user))
        token.open(pin(DURESS))
        assertEquals(TokenStatus.DURESS, party.status(user))
        assertFalse(party.isOpen(user) || party.gate(user))
        token.close()
        assertFalse(party.isOpen(user))
    }

    @Test
    fun `nobody is let in by a wrong key, address or name, nor once the party is closed`(): Unit = runBlocking {
        server.enrolled(user).token.open(pin())
        assertEquals(162, refused(party(key = "wrong-key")).code)
        assertEquals(166, refused(party(at = "http://127.0.0.1:1")).code)
        assertEquals(163, assertFailsWith<CardeaException.RelyingParty> { party().status("nobody") }.code)
        for (name in listOf("", "\u0000", "\uD800", "x".repeat(100_000))) assertFalse(party().isOpen(name), name.take(9))
        val closed = party().also { it.close() }
        assertFalse(closed.isOpen(user) || closed.gate(user))
        assertFailsWith<IllegalStateException> { closed.status(user) }
        for (bad in listOf("http://id.example", "id.example", "", "ftp://id.example", "https://a b/")) {
            assertEquals(160, assertFailsWith<CardeaException.RelyingParty>(bad) { party(at = bad) }.code)
        }
        val unusable = listOf(RelyingPartyOptions(timeout = Duration.ZERO), RelyingPartyOptions(rootCertificate = "none"))
        for (options in unusable) {
            assertEquals(160, assertFailsWith<CardeaException.RelyingParty> { party(options = options) }.code)
        }
        assertFailsWith<CardeaException.RelyingParty> { party(key = "a b") }
    }

    @Test
    fun `only the one right answer opens`(): Unit = runBlocking {
        val yes = """{"status":1}"""
        assertTrue(party(fake { it.say(200, yes) }).isOpen(user), "the right one")
        val others = listOf<(HttpExchange) -> Unit>(
            { it.say(200, "$yes ") }, { it.say(200, """{"status": 1}""") }, { it.say(200, """{"status":1,"x":0}""") },
            { it.say(200, """{"status":true}""") }, { it.say(200, "1") }, { it.say(200, "", -1) }, { it.say(201, yes) },
            { it.say(500, yes) }, { it.say(200, yes, yes.length + 1L) }, { it.say(200, " ".repeat(1_000_000)) },
            { it.say(302, yes, headers = arrayOf("Location" to server.http)) }, { },
        )
        others.forEachIndexed { index, answer -> assertFalse(party(fake(answer)).isOpen(user), "answer $index") }
    }

    @Test
    fun `errors say how long to wait, if the server does`(): Unit = runBlocking {
        val problem = """{"type":"about:blank","status":429}"""
        val busy = refused(party(fake { it.say(429, problem, headers = arrayOf("Retry-After" to "7")) }))
        assertEquals(164 to 7.seconds, busy.code to busy.wait)
        assertEquals(null, refused(party(at = "http://127.0.0.1:1")).wait)
    }

    @Test
    fun `a server that never answers lets nobody in, and who asks may give up`(): Unit = runBlocking {
        val (asked, end) = CompletableDeferred<Unit>() to CompletableDeferred<Unit>()
        val mute = fake {
            asked.complete(Unit)
            runBlocking { end.await() }
        }
        val asking = launch(Dispatchers.Default) { party(mute).isOpen(user) }
        asked.await()
        asking.cancelAndJoin()
        assertTrue(asking.isCancelled)
        assertEquals(167, refused(party(mute, options = RelyingPartyOptions(timeout = 50.milliseconds))).code)
        end.complete(Unit)
    }

    @Test
    fun `a yes is asked for, given, taken back and waited for`(): Unit = runBlocking {
        val token = server.enrolled(user).token
        val party = party()
        val asked = party.confirm(user, "Pay 420.00 EUR to Ann", 60.seconds)
        assertEquals(Answer.PENDING, party.confirmation(asked.id).answer)
        val waiting = async(start = CoroutineStart.UNDISPATCHED) { party.awaitConfirmation(asked.id, 30.seconds) }
        token.approve(token.confirmations().single(), Approval.Pin(pin()))
        val told = waiting.await()
        assertEquals(listOf(Answer.APPROVED, user, "Pay 420.00 EUR to Ann"), listOf(told.answer, told.user, told.text))
        assertEquals(Answer.APPROVED, party.cancelConfirmation(asked.id))
        val other = party.confirm(user, "Sell the house")
        assertEquals(Answer.CANCELLED, party.cancelConfirmation(other.id))
        for (bad in listOf(Duration.ZERO, (-5).seconds, Duration.INFINITE)) {
            assertEquals(161, assertFailsWith<CardeaException.RelyingParty> { party.confirm(user, "Yes?", bad) }.code)
        }
        for (id in listOf("", "none", "0".repeat(16), "\uD800")) {
            assertFailsWith<CardeaException.RelyingParty>(id) { party.confirmation(id) }
        }
    }

    @Test
    fun `what happens is heard, by kind and from where one likes`(): Unit = runBlocking {
        val token = server.enrolled(user).token
        val kinds = listOf("token.opened", "token.closed")
        val first = async(start = CoroutineStart.UNDISPATCHED) { party().watch(0, kinds).first { it.user == user } }
        token.open(pin())
        val opened = first.await()
        assertEquals("token.opened", opened.kind)
        assertTrue("\"token.opened\"" in opened.json && opened.at > 0 && opened.id > 0)
        token.close()
        assertEquals("token.closed", party().watch(opened.id, kinds).first { it.user == user }.kind)
        assertFailsWith<IllegalArgumentException> { party().watch(-1).toList() }
    }

    @Test
    fun `a stream that breaks is told, and goes on without a gap unless the listener ends it`(): Unit = runBlocking {
        Server().use { server ->
            val wallet = Wallet.inMemory(OPTIONS)
            val token = wallet.enroll(Invitation.fromText(server.enroll(user)), Pins(pin())).token
            val party = RelyingParty(server.http, server.service, server.adminKey)
            val (begun, broken) = CompletableDeferred<ServiceEvent>() to CompletableDeferred<CardeaException.RelyingParty>()
            val listening = async(Dispatchers.Default) {
                party.watch(after = 0, onBreak = { broken.complete(it) }).first { event ->
                    begun.complete(event)
                    event.kind == "token.opened"
                }
            }
            begun.await()
            server.stop()
            assertTrue(broken.await().code in listOf(165, 166, 167, 168))
            assertFailsWith<CardeaException.RelyingParty> { party.watch().toList() }
            server.start()
            token.open(pin())
            assertEquals(user, listening.await().user)
        }
    }

    @Test
    fun `an error that cannot pass ends the events, whatever the listener says`(): Unit = runBlocking {
        val told = mutableListOf<Int>()
        val error = assertFailsWith<CardeaException.RelyingParty> {
            party(key = "wrong-key").watch(onBreak = { told += it.code }).toList()
        }
        assertEquals(162 to listOf(162), error.code to told)
    }
}
