package dev.cardea.test

import dev.cardea.Approval
import dev.cardea.CardeaException
import dev.cardea.Event
import dev.cardea.Invitation
import dev.cardea.InvitationKind
import dev.cardea.Pins
import dev.cardea.ShortString
import dev.cardea.State
import dev.cardea.Status
import dev.cardea.Token
import dev.cardea.Wallet
import dev.cardea.fromCode
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Test

class WalletTest {
    private val server get() = Server.shared
    private val user = newUser()

    private suspend fun token(): Token = server.enrolled(user).token

    @Test
    fun `a token is enrolled, opened, closed and given up`(): Unit = runBlocking {
        assertEquals(0, server.run { call("enroll", user, "qr" to false); status(user) })
        val wallet = Wallet.inMemory(OPTIONS)
        val enrolled = wallet.enroll(server.enroll(user), pin())
        assertNull(enrolled.shortString)
        val token = enrolled.token
        assertEquals(2, server.status(user))
        val status = token.open(pin())
        assertEquals(State.OPEN to 60.seconds, status.state to status.remaining)
        assertEquals(1, server.status(user))
        assertEquals(State.CLOSED, token.close().state)
        assertEquals(2, server.status(user))
        token.unenroll(Approval.Pin(pin()))
        assertEquals(0, server.status(user))
        assertEquals(emptyList(), wallet.tokens())
    }

    @Test
    fun `a confirmation is shown, approved and denied`(): Unit = runBlocking {
        val token = token()
        val pay = server.ask(user, "Pay 420.00 EUR to Ann Example")
        val (confirmation) = token.confirmations()
        assertEquals(pay to "Pay 420.00 EUR to Ann Example", confirmation.id to confirmation.text)
        assertFailsWith<CardeaException.PinRejected> { token.approve(confirmation, Approval.Pin(pin(WRONG))) }
        token.approve(confirmation, Approval.Pin(pin()))
        assertEquals("approved", server.confirmationState(pay))
        assertFailsWith<CardeaException.ConfirmationOver> { token.deny(confirmation) }
    }

    @Test
    fun `every PIN that is handed over is overwritten, also when the call fails`(): Unit = runBlocking {
        val token = token()
        val untouched = { digits: CharArray -> digits.any { it != '\u0000' } }
        for (digits in listOf(PIN, WRONG, "27495x", "1", "", "٢٧٤٩٥١")) {
            val pin = pin(digits)
            runCatching { token.open(pin) }
            assertFalse(untouched(pin), digits)
        }
        val duress = pin(DURESS)
        val normal = pin()
        val pins = Pins(normal, listOf(duress))
        assertFalse(untouched(normal) || untouched(duress))
        pins.close()
        assertFailsWith<IllegalStateException> { token.changePins(Approval.Pin(pin()), pins) }
        token.open(pin()).let { assertEquals(State.OPEN, it.state) }
    }

    @Test
    fun `what was used for one call is good for no other`(): Unit = runBlocking {
        val token = token()
        val approval = Approval.Pin(pin())
        token.open(approval)
        assertFailsWith<IllegalStateException> { token.open(approval) }
        assertFailsWith<IllegalStateException> { token.open(Approval.Pin(pin()).also { it.close() }) }
        assertEquals(State.OPEN, token.status().state)
    }

    @Test
    fun `nothing prints a PIN`(): Unit = runBlocking {
        val link = server.enroll(user)
        val invitation = Invitation.fromText(link)
        val texts = listOf(
            Approval.Pin(pin()).toString(),
            Pins(pin(), listOf(pin(DURESS))).toString(),
            invitation.toString(),
            assertFailsWith<CardeaException> { token().open(pin("27495x")) }.toString(),
        )
        for (text in texts) {
            assertFalse(PIN in text || DURESS in text || "27495" in text || "50, 55" in text, text)
        }
        assertFalse(link.substringAfter('#').take(16) in invitation.toString())
    }

    @Test
    fun `errors have a text for a person, a number, and what the program needs`(): Unit = runBlocking {
        val token = token()
        val rejected = assertFailsWith<CardeaException.PinRejected> { token.open(pin(WRONG)) }
        assertEquals(1 to 9, rejected.code to rejected.triesLeft)
        assertEquals("${rejected.message} (code 1)", rejected.toString())
        assertTrue("tries left: 9" in rejected.message && "code=" !in rejected.message, rejected.message)
        repeat(4) { assertFailsWith<CardeaException.PinRejected> { token.open(pin(WRONG)) } }
        val wait = assertFailsWith<CardeaException.Wait> { token.open(pin()) }
        assertEquals(Triple(2, 5, 30.seconds), Triple(wait.code, wait.triesLeft, wait.wait))
        val misuse = assertFailsWith<CardeaException.Misuse> { token.open(pin(), 1.seconds) }
        assertEquals(114, misuse.code)
        assertEquals(110, assertFailsWith<CardeaException.Misuse> { token.open(pin("1")) }.code)
        assertEquals(114, assertFailsWith<CardeaException.Misuse> { token.open(pin(), (-5).seconds) }.code)
        assertFailsWith<IllegalArgumentException> { token.history(256) }
    }

    @Test
    fun `wrong PINs block at the limit and an administrator unblocks`(): Unit = runBlocking {
        Server().use { server ->
            server.setting("attempts", "3")
            val token = server.enrolled(user).token
            val left = List(3) { assertFailsWith<CardeaException.PinRejected> { token.open(pin(WRONG)) }.triesLeft }
            assertEquals(listOf(2, 1, 0), left)
            val blocked = assertFailsWith<CardeaException.Blocked> { token.open(pin()) }
            assertEquals(3 to null, blocked.code to blocked.wait)
            assertEquals(State.BLOCKED to 4, token.status().state to server.status(user))
            server.call("unblock", user)
            assertEquals(State.OPEN, token.open(pin()).state)
        }
    }

    @Test
    fun `links that are none are refused with their number and nothing is used up`(): Unit = runBlocking {
        val link = server.enroll(user)
        val bad = listOf("", " ", "https://id.example/", link.dropLast(8), link + link, link + "\u0000", link + "A".repeat(100_000),
            "cardea:", "\uD800", link.reversed(), "javascript:alert(1)", "x".repeat(1_000_000))
        for (text in bad) {
            val error = assertFailsWith<CardeaException.InvitationRejected>(text.take(80)) { Invitation.fromText(text) }
            assertEquals(111, error.code)
        }
        val preview = Invitation.fromText("\n $link \t").preview
        assertEquals("127.0.0.1:" + preview.port, server.channel)
        val wallet = Wallet.inMemory(OPTIONS)
        wallet.enroll(link, pin())
        assertEquals(10, assertFailsWith<CardeaException.InvitationRejected> { wallet.enroll(link, pin()) }.code)
        assertEquals(112, assertFailsWith<CardeaException.InvitationRejected> { Invitation.fromCode("short", server.http) }.code)
        assertEquals(121, assertFailsWith<CardeaException.InvitationRejected> { Invitation.fromCode(server.code(newUser()), "127.0.0.1:1") }.code)
    }

    @Test
    fun `a typed code enrolls too`(): Unit = runBlocking {
        val wallet = Wallet.inMemory(OPTIONS)
        val invitation = Invitation.fromCode(server.code(user), server.http)
        assertEquals(State.CLOSED, wallet.enroll(invitation, Pins(pin())).token.status().state)
    }

    @Test
    fun `events come to every collector, as they happen`(): Unit = runBlocking {
        val wallet = Wallet.inMemory(OPTIONS)
        val seen = List(2) { async(start = CoroutineStart.UNDISPATCHED) { wallet.events.take(3).toList() } }
        val token = wallet.enroll(server.enroll(user), pin()).token
        token.open(pin())
        token.close()
        val expected = listOf(Event.Enrolled(token.id), Event.Opened(token.id), Event.Closed(token.id))
        assertEquals(listOf(expected, expected), seen.awaitAll())
    }

    @Test
    fun `a collector that is too slow is told what it missed`(): Unit = runBlocking {
        val wallet = Wallet.inMemory(OPTIONS)
        val token = wallet.enroll(server.enroll(user), pin()).token
        val stream = wallet.events
        val collected = mutableListOf<Event>()
        val collecting = launch(start = CoroutineStart.UNDISPATCHED) {
            stream.collect { event ->
                if (collected.isEmpty()) repeat(80) { token.status() }
                collected += event
            }
        }
        token.close()
        while (collected.none { it is Event.Missed }) kotlinx.coroutines.yield()
        collecting.cancel()
        assertTrue((collected.first { it is Event.Missed } as Event.Missed).count > 0)
    }

    @Test
    fun `calls from many threads at the same time wait for each other`(): Unit = runBlocking {
        val token = token()
        val states = List(32) { async(Dispatchers.IO) { token.status() } }.awaitAll()
        assertEquals(setOf(State.CLOSED), states.map(Status::state).toSet())
        val opened = List(8) { async(Dispatchers.IO) { token.open(pin()).state } }.awaitAll()
        assertEquals(setOf(State.OPEN), opened.toSet())
    }

    @Test
    fun `the biometric key opens, another one does not, and a service may forbid it`(): Unit = runBlocking {
        Server().use { server ->
            server.setting("biometric", "true")
            val wallet = Wallet.inMemory(OPTIONS)
            val token = wallet.enroll(Invitation.fromText(server.enroll(user)), Pins(pin(), biometric = biometricKey())).token
            val key = biometricKey()
            assertEquals(State.OPEN, token.open(Approval.Biometric(key)).state)
            assertTrue(key.all { it == 0.toByte() })
            assertFailsWith<CardeaException.PinRejected> { token.open(Approval.Biometric(ByteArray(32) { 9 })) }
            assertEquals(110, assertFailsWith<CardeaException.Misuse> { token.open(Approval.Biometric(shortKey())) }.code)
            // Without one among the new PINs there is none any more.
            token.changePins(Approval.Biometric(biometricKey()), Pins(pin()))
            assertFailsWith<CardeaException> { token.open(Approval.Biometric(biometricKey())) }
            server.setting("biometric", "false")
            val other = Wallet.inMemory(OPTIONS)
            val refused = assertFailsWith<CardeaException> {
                other.enroll(Invitation.fromText(server.enroll(newUser())), Pins(pin(), biometric = biometricKey()))
            }
            assertTrue(refused is CardeaException.Misuse || refused is CardeaException.Refused, "$refused")
        }
    }

    @Test
    fun `what a service wants of PINs and of comparing is asked before the holder chooses`(): Unit = runBlocking {
        Server().use { server ->
            val wallet = Wallet.inMemory(OPTIONS)
            for ((setting, wanted) in listOf("off" to ShortString.OFF, "shown" to ShortString.SHOWN, "required" to ShortString.REQUIRED)) {
                server.setting("shortString", "\"$setting\"")
                val invitation = Invitation.fromText(server.enroll(newUser()))
                assertEquals(InvitationKind.LINK, invitation.preview.kind)
                val policy = wallet.policy(invitation)
                assertEquals(wanted, policy.shortString)
                assertTrue(policy.pinMin in 4..policy.pinMax)
                val enrolled = wallet.enroll(invitation, Pins(pin()))
                assertEquals((wanted != ShortString.OFF) to (wanted == ShortString.REQUIRED), (enrolled.shortString != null) to enrolled.shortStringRequired)
                assertEquals(policy.copy(shortString = null), enrolled.token.info().policy)
            }
        }
    }

    @Test
    fun `cheap hashing is refused unless asked for`(): Unit = runBlocking {
        val strict = Wallet.inMemory(OPTIONS.copy(allowTestArgon2 = false))
        assertEquals(113, assertFailsWith<CardeaException.Misuse> { strict.enroll(server.enroll(user), pin()) }.code)
    }

    @Test
    fun `a wallet that was closed says so, and what is on its way ends`(): Unit = runBlocking {
        val wallet = Wallet.inMemory(OPTIONS)
        val token = wallet.enroll(server.enroll(user), pin()).token
        val listening = async(start = CoroutineStart.UNDISPATCHED) { wallet.events.first { it is Event.Closed } }
        wallet.close()
        wallet.close()
        assertFailsWith<IllegalStateException> { wallet.tokens() }
        assertEquals(State.CLOSED, token.close().state)
        assertIs<Event.Closed>(listening.await())
        assertEquals(104, assertFailsWith<CardeaException.Misuse> { Wallet.inMemory(OPTIONS).token("0".repeat(32) + "-" + "0".repeat(8)) }.code)
    }
}
