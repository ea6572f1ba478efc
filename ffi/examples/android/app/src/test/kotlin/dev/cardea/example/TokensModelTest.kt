package dev.cardea.example

import dev.cardea.DenyReason
import dev.cardea.State
import dev.cardea.Wallet
import dev.cardea.test.OPTIONS
import dev.cardea.test.Server
import dev.cardea.test.WRONG
import dev.cardea.test.newFolder
import dev.cardea.test.newUser
import dev.cardea.test.pin
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TestTimeSource
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Test

/** The whole app but its pixels, with a real server. */
class TokensModelTest {
    private val server get() = Server.shared
    private val user = newUser()
    private val folder = newFolder()
    private val time = TestTimeSource()
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    @After
    fun clean() {
        scope.cancel()
        folder.deleteRecursively()
    }

    private fun model() = TokensModel(scope, time) { Wallet.open(folder.resolve("wallet"), OPTIONS) }

    private val TokensModel.token get() = screen.value.tokens.single()

    private suspend fun enrolled(): TokensModel {
        val model = model()
        model.start().join()
        model.invite(server.enroll(user)).join()
        model.accept(pin(), pin()).join()
        return model
    }

    @Test
    fun `a token is enrolled by link after its server was shown`(): Unit = runBlocking {
        val model = model()
        assertTrue(model.screen.value.loading)
        model.start().join()
        assertEquals(TokensModel.Screen(loading = false), model.screen.value)
        model.invite(server.enroll(user)).join()
        assertEquals("127.0.0.1", model.screen.value.invited?.host)
        model.decline().join()
        assertNull(model.screen.value.invited)
        model.invite(server.enroll(user)).join()
        model.accept(pin(), pin()).join()
        assertEquals(State.CLOSED, model.token.state)
        assertNull(model.screen.value.invited)
        assertEquals(2, server.status(user))
    }

    @Test
    fun `two different PINs, and a link that is none, say so and change nothing`(): Unit = runBlocking {
        val model = model()
        model.start().join()
        model.invite("https://id.example/").join()
        assertNotNull(model.screen.value.message)
        val link = server.enroll(user)
        model.invite(link).join()
        val (first, second) = pin() to pin(WRONG)
        model.accept(first, second).join()
        assertTrue((first + second).all { it == '\u0000' })
        assertEquals("These were two different PINs.", model.screen.value.message)
        assertEquals(0, server.status(user))
        model.read()
        assertNull(model.screen.value.message)
        model.accept(pin(), pin()).join()
        assertEquals(2, server.status(user))
    }

    @Test
    fun `an opening is counted down and ends on the screen when it ends`(): Unit = runBlocking {
        val model = enrolled()
        model.open(model.token.id, pin()).join()
        assertEquals(State.OPEN to 60.seconds, model.token.state to model.token.remaining)
        time += 58_200.milliseconds
        model.tick()
        assertEquals(2.seconds, model.token.remaining)
        model.open(model.token.id, pin()).join()
        assertEquals(60.seconds, model.token.remaining)
        time += 60.seconds
        model.tick()
        assertEquals(State.CLOSED to null, model.token.state to model.token.remaining)
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
    fun `a wrong PIN is told in words and overwritten`(): Unit = runBlocking {
        val model = enrolled()
        val wrong = pin(WRONG)
        model.open(model.token.id, wrong).join()
        assertTrue(wrong.all { it == '\u0000' })
        assertEquals("the PIN is wrong (tries left: 9)", model.screen.value.message)
        assertEquals(false to State.CLOSED, model.screen.value.busy to model.token.state)
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

    private suspend fun TokensModel.shows(what: (TokensModel.Item) -> Boolean) =
        withTimeout(30.seconds) { screen.first { it.tokens.singleOrNull()?.let(what) == true } }

    @Test
    fun `what happens elsewhere is shown as it happens while the holder looks`(): Unit = runBlocking {
        val model = enrolled()
        model.resume().join()
        server.ask(user, "Pay 420.00 EUR to Ann Example")
        model.shows { item -> item.confirmations.map { it.text } == listOf("Pay 420.00 EUR to Ann Example") }
        val (text) = model.token.confirmations
        model.deny(model.token.id, text, DenyReason.NOT_ME).join()
        model.open(model.token.id, pin()).join()
        server.call("close", user)
        model.shows { it.state == State.CLOSED }
        server.call("delete", user)
        model.shows { it.state == State.NOT_ENROLLED }
        model.pause().join()
        model.forget(model.token.id).join()
        withTimeout(30.seconds) { model.screen.first { it.tokens.isEmpty() } }
    }

    @Test
    fun `a server that is away is shown, and that it is back`(): Unit = runBlocking {
        Server().use { server ->
            val model = model()
            model.start().join()
            model.invite(server.enroll(user)).join()
            model.accept(pin(), pin()).join()
            model.resume().join()
            server.stop()
            model.shows { it.offline }
            server.start()
            // As when the holder comes back to the app.
            model.pause().join()
            model.resume().join()
            model.shows { !it.offline }
            model.pause().join()
        }
    }

    @Test
    fun `after a restart the tokens are there and asked about`(): Unit = runBlocking {
        val before = enrolled()
        before.open(before.token.id, pin()).join()
        val after = model()
        after.start().join()
        assertEquals(before.token.id, after.token.id)
        assertEquals(State.OPEN, after.token.state)
        assertEquals("127.0.0.1", after.token.title.substringBefore(':'))
    }

    @Test
    fun `a wallet that cannot be opened is said and tried again`(): Unit = runBlocking {
        var broken = true
        val model = TokensModel(scope, time) {
            if (broken) Wallet.open(folder.resolve("file").also { it.writeText("no folder") }, OPTIONS)
            else Wallet.open(folder.resolve("wallet"), OPTIONS)
        }
        model.start().join()
        assertNotNull(model.screen.value.message)
        broken = false
        model.start().join()
        assertEquals(TokensModel.Screen(loading = false), model.screen.value)
    }

    @Test
    fun `a token that an administrator closes is closed on the screen after a refresh`(): Unit = runBlocking {
        val model = enrolled()
        model.open(model.token.id, pin()).join()
        server.call("close", user)
        model.refresh(model.token.id).join()
        model.screen.first { it.tokens.single().state == State.CLOSED }
        server.call("delete", user)
        model.refresh(model.token.id).join()
        assertEquals(State.NOT_ENROLLED, model.token.state)
        assertTrue(runCatching { model.open("no name", pin()).join() }.isSuccess)
        assertNotNull(model.screen.value.message)
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
