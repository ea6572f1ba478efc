package dev.cardea.example

import dev.cardea.DenyReason
import dev.cardea.Invitation
import dev.cardea.Pins
import dev.cardea.State
import dev.cardea.Wallet
import dev.cardea.test.OPTIONS
import dev.cardea.test.Server
import dev.cardea.test.newUser
import dev.cardea.test.pin
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.plus
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.Test

/** What is shown while the holder looks, with a real server. */
class WatchingTest : ModelStage() {
    private val server get() = Server.shared

    /** The same token in what else of the app uses the wallet. */
    private suspend fun elsewhere() = wallet.tokens().single()

    @Test
    fun `what happens elsewhere is shown as it happens`(): Unit = runBlocking {
        val model = enrolled()
        val watching = model.watched()
        server.ask(user, "Pay 420.00 EUR to Ann Example")
        model.shows { item -> item.confirmations.map { it.text } == listOf("Pay 420.00 EUR to Ann Example") }
        val (text) = model.token.confirmations
        model.deny(model.token.id, text, DenyReason.NOT_ME).join()
        model.open(model.token.id, pin()).join()
        server.call("close", user)
        model.shows { it.state == State.CLOSED }
        server.call("delete", user)
        model.shows { it.state == State.NOT_ENROLLED }
        model.forget(model.token.id).join()
        assertEquals(emptyList(), model.screen.value.tokens)
        watching.cancelAndJoin()
    }

    @Test
    fun `after a restart the tokens are there and asked about`(): Unit = runBlocking {
        val before = enrolled()
        before.open(before.token.id, pin()).join()
        val after = model()
        val watching = after.watched()
        after.shows { it.state == State.OPEN }
        assertEquals(before.token.id, after.token.id)
        assertEquals("127.0.0.1", after.token.title.substringBefore(':'))
        watching.cancelAndJoin()
    }

    @Test
    fun `a wallet that cannot be opened is said, never an empty list, and its tokens come once it can be`(): Unit = runBlocking {
        val before = enrolled()
        var broken = true
        val file = folder.resolve("file").also { it.writeText("no folder") }
        val model = TokensModel(scope, time) { Wallet.open(if (broken) file else folder.resolve("wallet"), OPTIONS) }
        val watching = model.watched()
        model.awaitScreen { it.failure != null }
        assertTrue(model.screen.value.loading)
        broken = false
        model.again()
        model.shows { it.id == before.token.id && it.state == State.CLOSED }
        assertEquals(false to null, model.screen.value.loading to model.screen.value.failure)
        watching.cancelAndJoin()
    }

    @Test
    fun `a server that is away is shown, and how the token stands once it is back`(): Unit = runBlocking {
        Server().use { server ->
            val model = enrolled(server)
            val watching = model.watched()
            model.shows { it.state == State.CLOSED && !it.offline }
            server.stop()
            model.shows { it.offline }
            server.start()
            model.shows { !it.offline }
            watching.cancelAndJoin()
        }
    }

    /** Two servers with a token each; the one whose token comes first on the screen first. */
    private suspend fun twoServers(act: suspend (TokensModel, List<Pair<Server, String>>) -> Unit) {
        Server().use { one ->
            Server().use { other ->
                val model = model()
                val tokens = listOf(one to model.enroll(one), other to model.enroll(other))
                act(model, tokens.sortedBy { (_, id) -> model.screen.value.tokens.indexOfFirst { it.id == id } })
            }
        }
    }

    @Test
    fun `a server that is away does not hide how the tokens of others stand`(): Unit = runBlocking {
        twoServers { _, (away, there) ->
            away.first.stop()
            val model = model()
            val watching = model.watched()
            model.awaitScreen { screen -> screen.tokens.any { it.id == there.second && it.state == State.CLOSED } }
            model.awaitScreen { screen -> screen.tokens.any { it.id == away.second && it.offline && it.state == null } }
            assertNull(model.screen.value.message)
            watching.cancelAndJoin()
        }
    }

    @Test
    fun `a server that does not answer holds up neither other tokens nor going to the background`(): Unit = runBlocking {
        twoServers { model, (frozen, there) ->
            val watching = model.watched()
            frozen.first.freeze()
            val opening = model.open(frozen.second, pin())
            model.awaitScreen { model.item(frozen.second).busy }
            withTimeout(30.seconds) { model.open(there.second, pin()).join() }
            assertEquals(State.OPEN, model.item(there.second).state)
            withTimeout(30.seconds) { watching.cancelAndJoin() }
            assertTrue(opening.isActive)
        }
    }

    @Test
    fun `an opening that is extended elsewhere is counted anew`(): Unit = runBlocking {
        val model = enrolled()
        model.open(model.token.id, pin()).join()
        server.ask(user, "Sell the house")
        val watching = model.watched()
        // Then what is asked at the beginning was answered.
        model.shows { it.confirmations.size == 1 }
        time += 50.seconds
        elsewhere().open(pin())
        model.shows { it.remaining == 60.seconds }
        watching.cancelAndJoin()
    }

    @Test
    fun `a text that is answered elsewhere is taken off the screen`(): Unit = runBlocking {
        val model = enrolled()
        val watching = model.watched()
        server.ask(user, "Sell the house")
        model.shows { it.confirmations.size == 1 }
        val token = elsewhere()
        token.deny(token.confirmations().single())
        model.shows { it.confirmations.isEmpty() }
        watching.cancelAndJoin()
    }

    @Test
    fun `what was missed is asked for`(): Unit = runBlocking {
        val thread = Executors.newSingleThreadExecutor()
        val model = model(scope = scope + thread.asCoroutineDispatcher())
        model.enroll(server, user)
        val watching = launch(thread.asCoroutineDispatcher()) { model.watch() }
        model.shows { it.state == State.CLOSED }
        val busy = CountDownLatch(1)
        thread.execute(busy::await)
        val token = elsewhere()
        val other = wallet.enroll(Invitation.fromText(server.enroll(newUser())), Pins(pin())).token
        // More than are kept for a listener, so that nothing tells of the new token.
        repeat(70) { token.status() }
        busy.countDown()
        model.awaitScreen { screen -> screen.tokens.any { it.id == other.id && it.state == State.CLOSED } }
        watching.cancelAndJoin()
        thread.shutdown()
    }
}
