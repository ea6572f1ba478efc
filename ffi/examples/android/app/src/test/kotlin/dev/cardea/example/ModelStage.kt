package dev.cardea.example

import dev.cardea.Wallet
import dev.cardea.test.OPTIONS
import dev.cardea.test.Server
import dev.cardea.test.newFolder
import dev.cardea.test.newUser
import dev.cardea.test.pin
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TestTimeSource
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.junit.After

/** A model with a folder and a time of its own, and what tests do with it. */
abstract class ModelStage {
    protected val user = newUser()
    protected val folder = newFolder()
    protected val time = TestTimeSource()
    protected val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    /** The wallet that a model has opened last: what else of the app uses it, the model has to hear of. */
    protected lateinit var wallet: Wallet

    @After
    fun clean() {
        scope.cancel()
        folder.deleteRecursively()
    }

    protected fun model(scope: CoroutineScope = this.scope) = TokensModel(scope, time) {
        Wallet.open(folder.resolve("wallet"), OPTIONS).also { wallet = it }
    }

    protected val TokensModel.token get() = screen.value.tokens.single()

    protected fun TokensModel.item(id: String) = screen.value.tokens.single { it.id == id }

    /** The holder looks, until this is cancelled. */
    protected fun TokensModel.watched(): Job = scope.launch { watch() }

    /** Takes an invitation to `server` as far as the PIN; what the holder sees. */
    protected suspend fun TokensModel.invited(server: Server, user: String): TokensModel.Invited {
        invite(server.enroll(user)).join()
        consider(screen.value.invited!!).join()
        return screen.value.invited!!
    }

    /** Enrolls a token of `server`; its name. */
    protected suspend fun TokensModel.enroll(server: Server, user: String = newUser()): String {
        val before = screen.value.tokens
        accept(invited(server, user), pin(), pin()).join()
        return (screen.value.tokens.map { it.id } - before.map { it.id }.toSet()).single()
    }

    protected suspend fun enrolled(server: Server = Server.shared): TokensModel = model().also { it.enroll(server, user) }

    protected suspend fun TokensModel.awaitScreen(what: (TokensModel.Screen) -> Boolean) =
        withTimeout(30.seconds) { screen.first(what) }

    protected suspend fun TokensModel.shows(what: (TokensModel.Item) -> Boolean) =
        awaitScreen { it.tokens.singleOrNull()?.let(what) == true }
}
