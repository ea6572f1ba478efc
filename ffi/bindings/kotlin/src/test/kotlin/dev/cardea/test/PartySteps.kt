package dev.cardea.test

import dev.cardea.Deed
import dev.cardea.ReceiptExpectation
import dev.cardea.RelyingParty
import dev.cardea.ServiceEvent
import dev.cardea.verifyReceipt
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout

/** What a relying party does with the SDK. */
class PartySteps(private val scope: CoroutineScope, private val server: Server, private val operator: OperatorSteps) : Steps, AutoCloseable {
    private var key = "admin"
    private var at = "server"
    private var made: RelyingParty? = null
    private var watching: Job? = null
    private val events = Channel<ServiceEvent>(Channel.UNLIMITED)

    private val party: RelyingParty get() = made ?: make().also { made = it }

    override fun close() {
        watching?.cancel()
        made?.close()
    }

    override suspend fun play(verb: String, words: List<String>): Any? =
        if (verb == "party") play(words[0], words.drop(1), words.getOrNull(1).orEmpty()) else null

    private suspend fun play(verb: String, words: List<String>, user: String): Any = when (verb) {
        "key" -> anew { key = words[0] }
        "at" -> anew { at = words[0] }
        "status" -> party.status(user)
        "is_open" -> yes(party.isOpen(user))
        "gate" -> yes(party.gate(user))
        "ask" -> ask(user, words)
        "answer" -> party.confirmation(operator.asked(user)).answer.name.lowercase()
        "await" -> party.awaitConfirmation(operator.asked(user), 30.seconds).answer.name.lowercase()
        "withdraw" -> party.cancelConfirmation(operator.asked(user)).name.lowercase()
        "watch" -> watch()
        "event" -> event(user, words[1])
        "receipt" -> receipt(user, words.getOrNull(1), words.getOrNull(2))
        else -> error("no relying party does $verb")
    }

    private fun anew(change: () -> Unit) {
        change()
        made?.close()
        made = null
    }

    private fun make(): RelyingParty {
        val address = when (at) {
            "server" -> server.http
            "nowhere" -> "http://127.0.0.1:1"
            "elsewhere" -> "http://id.example"
            else -> error("no place is named $at")
        }
        val authkey = when (key) {
            "status" -> server.statusKey
            "admin" -> server.adminKey
            "wrong" -> "wrong-key"
            "malformed" -> "a b"
            else -> error("no key is named $key")
        }
        return RelyingParty(address, server.service, authkey)
    }

    private fun yes(it: Boolean) = if (it) "yes" else "no"

    /** What a device signed, as the API gives it. */
    private fun receipt(user: String, text: String?, mangling: String?): String {
        val (json, expected) = when (text) {
            null -> objects(server.get("history", user)).first { "\"receipt\":{" in it } to ReceiptExpectation()
            else -> server.confirmation(operator.asked(user)).let { body ->
                val expected = ReceiptExpectation(deed = Deed.APPROVED, text = text, confirmation = operator.asked(user))
                (if (mangling == null) body else mangledReceipt(body, mangling)) to expected
            }
        }
        return verifyReceipt(json, expected).deed.name.lowercase()
    }

    private suspend fun ask(user: String, words: List<String>) {
        val expiresIn = words.getOrNull(2)?.toLong()?.seconds ?: 2.minutes
        operator.remember(user, party.confirm(user, words[1], expiresIn).id)
    }

    private fun watch() {
        watching?.cancel()
        val party = party
        watching = scope.launch(start = CoroutineStart.UNDISPATCHED) {
            party.watch(after = 0, onBreak = {}).collect(events::send)
        }
    }

    private suspend fun event(user: String, kind: String) {
        withTimeout(30.seconds) {
            while (true) {
                val event = events.receive()
                if (event.user == user && event.kind == kind) break
            }
        }
    }
}

/** A receipt that somebody has tampered with. */
fun mangledReceipt(json: String, how: String): String = when (how) {
    "cut" -> json.dropLast(1)
    "flipped" -> {
        val at = json.indexOf(SIGNATURE) + SIGNATURE.length
        json.replaceRange(at, at + 1, if (json[at] == 'A') "B" else "A")
    }
    "long" -> json + " ".repeat(100_000)
    else -> error("no way to mangle is named $how")
}

private const val SIGNATURE = "\"signature\":\""

/** The objects in the first array of [json], as texts. */
fun objects(json: String): List<String> {
    val found = mutableListOf<String>()
    var (depth, start, quoted) = Triple(0, 0, false)
    var at = json.indexOf('[') + 1
    while (at < json.length && (depth > 0 || json[at] != ']')) {
        when {
            quoted && json[at] == '\\' -> at += 1
            json[at] == '"' -> quoted = !quoted
            quoted -> {}
            json[at] == '{' -> if (depth++ == 0) start = at
            json[at] == '}' -> if (--depth == 0) found += json.substring(start, at + 1)
        }
        at += 1
    }
    return found
}
