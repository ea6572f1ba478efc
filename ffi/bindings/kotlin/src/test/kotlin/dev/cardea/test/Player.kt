package dev.cardea.test

import dev.cardea.CardeaException
import dev.cardea.Status
import dev.cardea.TokenStatus
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.ServerSocket
import java.net.SocketException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield

/** Steps of one kind. */
interface Steps {
    /** Plays a step; null if it is of another kind. */
    suspend fun play(verb: String, words: List<String>): Any?

    /** Asks what a step needs before it can do what it is for; what then does it, or null if there is nothing to ask. */
    suspend fun prepare(verb: String, words: List<String>): (suspend () -> Any)? = null
}

/** Plays the steps of one scenario: the relying party's and the operator's with a server, the device's with wallets. */
class Player(scope: CoroutineScope) : AutoCloseable {
    private val server = Server()
    private val operator = OperatorSteps(server)
    private val devices = DeviceSteps(scope)
    private val enrollments = EnrollSteps(server, devices)
    private val tokens = TokenSteps(devices)
    private val party = PartySteps(scope, server, operator)
    private val all = listOf(operator, devices, enrollments, party, tokens)

    suspend fun begin() = devices.begin()

    override fun close() {
        party.close()
        devices.close()
        server.close()
    }

    /** Plays one step; how it came out, in the words of the scenarios. */
    suspend fun play(words: List<String>): String = try {
        when (val outcome = run(words[0], words.drop(1))) {
            is Unit -> "ok"
            is Status -> outcome.state.name.lowercase()
            is TokenStatus -> outcome.name.lowercase()
            is String -> "\"$outcome\""
            is Number -> outcome.toString()
            else -> error("a step came out as ${outcome.javaClass}")
        }
    } catch (error: CardeaException) {
        check(error.message.isNotBlank() && "(code ${error.code})" in error.toString()) { "no text for a person: $error" }
        "error ${error.code}"
    }

    private suspend fun run(verb: String, words: List<String>): Any = when (verb) {
        "interrupted" -> interrupted(words)
        "lost" -> lost(words)
        else -> all.firstNotNullOfOrNull { it.play(verb, words) } ?: error("no step is named $verb")
    }

    private suspend fun prepared(words: List<String>): suspend () -> Any =
        all.firstNotNullOfOrNull { it.prepare(words[0], words.drop(1)) } ?: { run(words[0], words.drop(1)) }

    /** The server stands still until the step waits for it, and is killed then. */
    private suspend fun interrupted(words: List<String>): Any = coroutineScope {
        val token = devices.token(words[1])
        val step = prepared(words)
        server.freeze()
        val running = async { step() }
        while (!token.info().pending) yield()
        server.stop()
        server.start()
        running.await()
    }

    /** Where the server was is somebody who hangs up as soon as the step has said anything. */
    private suspend fun lost(words: List<String>): Any = coroutineScope {
        val step = prepared(words)
        server.stop()
        val listener = ServerSocket()
        listener.reuseAddress = true
        listener.bind(InetSocketAddress(InetAddress.getLoopbackAddress(), server.channel.substringAfterLast(':').toInt()))
        val running = async { runCatching { step() } }
        // A step that asks nobody must not be waited for.
        running.invokeOnCompletion { listener.close() }
        val said = withContext(Dispatchers.IO) {
            try {
                listener.accept().use { caller ->
                    caller.getInputStream().read(ByteArray(4096)).also { listener.close() }
                }
            } catch (_: SocketException) {
                -1
            }
        }
        check(said > 0) { "${words.joinToString(" ")} asked nobody" }
        server.start()
        running.await().getOrThrow()
    }
}

/** How a step has to come out. */
fun holds(outcome: String, expected: String?): Boolean = when (expected) {
    null, "ok" -> !outcome.startsWith("error ")
    else -> outcome == expected
}
