import dev.cardea.CardeaException
import dev.cardea.Invitation
import dev.cardea.Pins
import dev.cardea.State
import dev.cardea.Token
import dev.cardea.Wallet
import dev.cardea.WalletOptions
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

private fun pin() = "274951".toCharArray()

/** Everything that has a handle on the other side, too. */
private suspend fun cycle(wallet: Wallet): Unit = coroutineScope {
    val listener = launch(start = CoroutineStart.UNDISPATCHED) { wallet.events.collect {} }
    val token = wallet.tokens().single()
    check(token.open(pin()).state == State.OPEN) { "it does not open" }
    check(token.close().state == State.CLOSED) { "it does not close" }
    try {
        Invitation.fromText("none")
        error("that was an invitation")
    } catch (_: CardeaException.InvitationRejected) {
    }
    listener.cancelAndJoin()
}

private suspend fun median(token: Token, count: Int): Long {
    val times = LongArray(count) {
        val began = System.nanoTime()
        token.info()
        System.nanoTime() - began
    }
    return times.sorted()[count / 2]
}

/**
 * What calls from Kotlin cost, and whether anything stays behind. `cargo xtask bench bindings` starts it with a link.
 *
 * On standard input: `call N` measures as many calls that ask nobody, `cycle N` opens and closes the token as often. The answer
 * is a line.
 */
fun main(args: Array<String>) = runBlocking {
    val wallet = Wallet.inMemory(WalletOptions(allowTestArgon2 = true, recoverInBackground = false))
    val token = wallet.enroll(Invitation.fromText(args[0]), Pins(pin())).token
    println("ready")
    while (true) {
        val (verb, count) = (readLine() ?: break).split(' ')
        if (verb == "call") {
            println("called ${median(token, count.toInt())}")
        } else {
            repeat(count.toInt()) { cycle(wallet) }
            // What nobody refers to any more is let go of on the other side when it is found here.
            repeat(3) { System.gc() }
            println("done")
        }
    }
}
