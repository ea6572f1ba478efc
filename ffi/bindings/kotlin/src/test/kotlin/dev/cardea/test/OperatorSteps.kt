package dev.cardea.test

/** What a relying party and an operator do, over the server's API. */
class OperatorSteps(private val server: Server) : Steps {
    private val asked = mutableMapOf<String, String>()

    /** The id of what that user was asked last. */
    fun asked(user: String): String = asked.getValue(user)

    fun remember(user: String, confirmation: String) {
        asked[user] = confirmation
    }

    override suspend fun play(verb: String, words: List<String>): Any? = when (verb) {
        "service" -> server.setting(words[0], words[1])
        "advance" -> server.advance(words[0].toLong()).let { }
        "check" -> server.status(words[0])
        "ask" -> ask(words)
        "answer" -> server.confirmationState(asked(words[0]))
        "withdraw" -> server.withdraw(asked(words[0]))
        "close_at_server" -> server.call("close", words[0]).let { }
        "unblock" -> server.call("unblock", words[0]).let { }
        "clear_duress" -> server.call("duress/clear", words[0]).let { }
        "delete" -> server.call("delete", words[0]).let { }
        "server" -> if (words[0] == "stop") server.stop() else server.start()
        else -> null
    }

    private fun ask(words: List<String>) {
        val lifetime = words.getOrNull(2)?.let { arrayOf<Pair<String, Any>>("expiresIn" to it.toLong()) } ?: emptyArray()
        remember(words[0], Server.text(server.call("confirmation", words[0], "text" to words[1], *lifetime), "confirmation"))
    }
}
