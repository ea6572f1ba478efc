package dev.cardea.example

import dev.cardea.State
import dev.cardea.test.Server
import dev.cardea.test.WRONG
import dev.cardea.test.newUser
import dev.cardea.test.pin
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking
import org.junit.Test

/** What the holder does, with a real server. */
class TokensModelTest : ModelStage() {
    private val server get() = Server.shared

    private fun CharArray.isWiped() = all { it == '\u0000' }

    @Test
    fun `a token is enrolled by link after its server and what it wants of PINs were shown`(): Unit = runBlocking {
        val model = model()
        assertTrue(model.screen.value.loading)
        model.invite(server.enroll(user)).join()
        assertEquals("127.0.0.1", model.screen.value.invited?.invitation?.preview?.host)
        assertNull(model.screen.value.invited?.policy)
        model.decline().join()
        assertNull(model.screen.value.invited)
        val invited = model.invited(server, user)
        assertEquals(6, invited.policy?.pinMin)
        model.accept(invited, pin(), pin()).join()
        assertEquals(State.CLOSED, model.token.state)
        assertNull(model.screen.value.invited)
        assertEquals(2, server.status(user))
    }

    @Test
    fun `two different PINs, and a link that is none, say so and change nothing`(): Unit = runBlocking {
        val model = model()
        model.invite("https://id.example/").join()
        assertNotNull(model.screen.value.message)
        val invited = model.invited(server, user)
        val (first, second) = pin() to pin(WRONG)
        model.accept(invited, first, second).join()
        assertTrue(first.isWiped() && second.isWiped())
        assertEquals("These were two different PINs.", model.screen.value.message)
        assertEquals(0, server.status(user))
        model.read()
        assertNull(model.screen.value.message)
        model.accept(invited, pin(), pin()).join()
        assertEquals(2, server.status(user))
    }

    @Test
    fun `another link that comes while the PIN is typed is not accepted with it`(): Unit = runBlocking {
        val (model, stranger) = model() to newUser()
        val shown = model.invited(server, user)
        model.invite(server.enroll(stranger)).join()
        val (pin, repeated) = pin() to pin()
        model.accept(shown, pin, repeated).join()
        assertTrue(pin.isWiped() && repeated.isWiped())
        assertEquals(listOf(0, 0), listOf(user, stranger).map(server::status))
        assertEquals("This is not the link that you accepted.", model.screen.value.message)
        model.accept(model.screen.value.invited!!, pin(), pin()).join()
        assertEquals(listOf(0, 2), listOf(user, stranger).map(server::status))
    }

    @Test
    fun `a link that was used is taken off the screen`(): Unit = runBlocking {
        val (model, link) = model() to server.enroll(user)
        model.invite(link).join()
        model.accept(model.screen.value.invited!!, pin(), pin()).join()
        model.invite(link).join()
        model.accept(model.screen.value.invited!!, pin(), pin()).join()
        assertNull(model.screen.value.invited)
        assertEquals("This link is none, was used or has expired. Ask for a new one.", model.screen.value.message)
        assertEquals(State.CLOSED, model.token.state)
    }

    @Test
    fun `digits are compared, and a token whose digits differ is given up`(): Unit = runBlocking {
        Server().use { server ->
            server.setting("shortString", "\"required\"")
            val model = enrolled(server)
            val compare = model.screen.value.compare!!
            assertEquals(model.token.id to true, compare.token to compare.required)
            assertTrue(compare.digits.matches(Regex("\\d{6}")), compare.digits)
            model.same()
            assertNull(model.screen.value.compare)
            val (first, other) = model.token.id to newUser()
            val second = model.enroll(server, other)
            val wrong = pin(WRONG)
            model.differ(model.screen.value.compare!!, wrong).join()
            assertTrue(wrong.isWiped())
            assertEquals(second, model.screen.value.compare?.token)
            model.differ(model.screen.value.compare!!, pin()).join()
            assertNull(model.screen.value.compare)
            assertEquals(listOf(first), model.screen.value.tokens.map { it.id })
            assertEquals(0, server.status(other))
        }
    }

    @Test
    fun `an opening is counted down and ends on the screen when it ends`(): Unit = runBlocking {
        val model = enrolled()
        model.open(model.token.id, pin()).join()
        assertEquals(State.OPEN to 60.seconds, model.token.state to model.token.remaining)
        time += 58_200.milliseconds
        assertEquals(emptyList(), model.tick())
        assertEquals(2.seconds, model.token.remaining)
        model.open(model.token.id, pin()).join()
        assertEquals(60.seconds, model.token.remaining)
        time += 60.seconds
        assertEquals(listOf(model.token.id), model.tick())
        assertEquals(State.CLOSED to null, model.token.state to model.token.remaining)
        assertEquals(emptyList(), model.tick())
    }

    @Test
    fun `closing closes, here and at the server`(): Unit = runBlocking {
        val model = enrolled()
        model.open(model.token.id, pin()).join()
        assertEquals(1, server.status(user))
        model.close(model.token.id).join()
        assertEquals(State.CLOSED, model.token.state)
        assertEquals(2, server.status(user))
    }

    @Test
    fun `a wrong PIN is told in words, counted and overwritten`(): Unit = runBlocking {
        val model = enrolled()
        assertEquals(10, model.token.triesLeft)
        val wrong = pin(WRONG)
        model.open(model.token.id, wrong).join()
        assertTrue(wrong.isWiped())
        assertEquals("The PIN is wrong. Tries left: 9.", model.screen.value.message)
        assertEquals(9, model.token.triesLeft)
        assertEquals(false to State.CLOSED, model.token.busy to model.token.state)
    }

    @Test
    fun `texts are shown as they are, approved and denied`(): Unit = runBlocking {
        val model = enrolled()
        val (pay, sell) = server.ask(user, "Pay 420.00 EUR to Ann Example") to server.ask(user, "Sell the house")
        model.refresh(model.token.id).join()
        val (first, second) = model.token.confirmations
        assertEquals(listOf("Pay 420.00 EUR to Ann Example", "Sell the house"), listOf(first.text, second.text))
        model.approve(model.token.id, first, pin(WRONG)).join()
        assertEquals(2, model.token.confirmations.size)
        model.approve(model.token.id, first, pin()).join()
        model.deny(model.token.id, second, null).join()
        assertEquals(emptyList(), model.token.confirmations)
        assertEquals("approved" to "denied", server.confirmationState(pay) to server.confirmationState(sell))
    }

    @Test
    fun `a text that does not wait any more is taken off the screen`(): Unit = runBlocking {
        val model = enrolled()
        val asked = List(2) { server.ask(user, "Sell house $it") }
        model.refresh(model.token.id).join()
        asked.forEach(server::withdraw)
        val (first, second) = model.token.confirmations
        model.approve(model.token.id, first, pin()).join()
        assertEquals(listOf(second), model.token.confirmations)
        model.deny(model.token.id, second, null).join()
        assertEquals(emptyList(), model.token.confirmations)
        assertEquals("This does not wait for an answer any more.", model.screen.value.message)
    }

    @Test
    fun `after an answer was lost nobody claims to know how the token stands`(): Unit = runBlocking {
        Server().use { server ->
            val model = enrolled(server)
            server.stop()
            model.open(model.token.id, pin()).join()
            assertNull(model.token.state)
            assertEquals("There was no answer: it is not known whether this was done.", model.screen.value.message)
            server.start()
            model.refresh(model.token.id).join()
            assertEquals(if (server.status(user) == 1) State.OPEN else State.CLOSED, model.token.state)
        }
    }

    @Test
    fun `a token that an administrator closes is closed on the screen after a refresh`(): Unit = runBlocking {
        val model = enrolled()
        model.open(model.token.id, pin()).join()
        server.call("close", user)
        model.refresh(model.token.id).join()
        assertEquals(State.CLOSED, model.token.state)
        server.call("delete", user)
        model.refresh(model.token.id).join()
        assertEquals(State.NOT_ENROLLED, model.token.state)
        model.open("no name", pin()).join()
        assertNotNull(model.screen.value.message)
        model.forget(model.token.id).join()
        assertEquals(emptyList(), model.screen.value.tokens)
    }
}

/** The digits on the pad. */
class PinBufferTest {
    @Test
    fun `digits go in, come out once, and are not kept`() {
        val buffer = PinBuffer()
        "27x49512".forEach(buffer::add)
        buffer.remove()
        assertEquals(6, buffer.size)
        assertEquals("274951", String(buffer.take()))
        assertEquals(0 to "", buffer.size to String(buffer.take()))
        repeat(20) { buffer.add('7') }
        assertEquals(12, buffer.size)
        buffer.clear()
        buffer.remove()
        assertEquals("", String(buffer.take()))
    }
}
