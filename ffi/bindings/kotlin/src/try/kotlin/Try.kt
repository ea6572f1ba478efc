import dev.cardea.CardeaException
import dev.cardea.Invitation
import dev.cardea.Wallet
import dev.cardea.cardeaVersion
import kotlinx.coroutines.runBlocking

/** Tries the jar, without a server: the library is found in it, calls and errors get through. */
fun main(args: Array<String>) = runBlocking {
    check(cardeaVersion == args[0]) { "the library is of version $cardeaVersion" }
    Wallet.inMemory().use { check(it.tokens().isEmpty()) }
    try {
        Invitation.fromText("none")
        error("that was an invitation")
    } catch (error: CardeaException.InvitationRejected) {
        check(error.code == 111)
    }
    println("works")
}
