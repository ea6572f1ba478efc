package dev.cardea.test

import dev.cardea.Invitation
import dev.cardea.Pins
import dev.cardea.fromCode
import dev.cardea.fromQrImage
import java.io.File

/** New PINs in the words of the scenarios: the one that opens, those under duress, and a key for the biometric slot. */
fun pins(words: List<String>): Pins {
    val key = when (words.last()) {
        "key" -> biometricKey()
        "short_key" -> shortKey()
        else -> null
    }
    val digits = if (key == null) words else words.dropLast(1)
    return Pins(pin(digits[0]), digits.drop(1).map(::pin), key)
}

/** Invitations, good and bad, and accepting them. */
class EnrollSteps(private val server: Server, private val devices: DeviceSteps) : Steps {
    private val offers = mutableMapOf<String, Offer>()

    private class Offer(val link: String, val code: String)

    override suspend fun play(verb: String, words: List<String>): Any? = when (verb) {
        "invite" -> invite(words[0], words.getOrNull(1)).let { }
        "preview" -> Invitation.fromText(offers.getValue(words[0]).link).preview.host
        "link" -> mangledLink(words[0])
        "code" -> mangledCode(words[0])
        "picture" -> picture(words[0])
        else -> prepare(verb, words)?.invoke()
    }

    override suspend fun prepare(verb: String, words: List<String>): (suspend () -> Any)? {
        val user = words.firstOrNull() ?: return null
        return when (verb) {
            "enroll" -> enroll(user, words.drop(1), Invitation.fromText(offer(user).link))
            "enroll_code" -> enroll(user, words.drop(1), Invitation.fromCode(offer(user).code, server.http))
            "policy" -> policy(Invitation.fromText(offer(user).link))
            else -> null
        }
    }

    private fun offer(user: String): Offer = offers[user] ?: invite(user)

    private fun invite(user: String, how: String? = null): Offer {
        val more: Array<Pair<String, Any>> = when (how) {
            null -> emptyArray()
            "replace" -> arrayOf("replaceDevice" to true)
            "add" -> arrayOf("addDevice" to true)
            else -> error("nobody is invited to $how")
        }
        val answer = server.call("enroll", user, "qr" to false, *more)
        val offer = Offer(Server.text(answer, "link"), Server.text(answer, "code"))
        offers[user] = offer
        return offer
    }

    private fun enroll(user: String, pins: List<String>, invitation: Invitation): suspend () -> Any = {
        devices.names[user] = devices.wallet.enroll(invitation, pins(pins)).token.id
    }

    private fun policy(invitation: Invitation): suspend () -> Any = {
        devices.wallet.policy(invitation).let { "${it.pinMin} to ${it.pinMax}" }
    }

    private fun mangledLink(how: String) {
        val link = invite("mangled").link
        val mangled = when (how) {
            "whole" -> link
            "spaced" -> " \n$link\t "
            "empty" -> ""
            "cut" -> link.dropLast(8)
            "doubled" -> link + link
            "flipped" -> link.dropLast(1) + if (link.last() == 'A') 'B' else 'A'
            "elsewhere" -> "https://id.example/"
            "long" -> link + "A".repeat(100_000)
            "binary" -> link + "\u0000"
            else -> error("no way to mangle is named $how")
        }
        Invitation.fromText(mangled).close()
    }

    private suspend fun mangledCode(how: String) {
        when (how) {
            "short" -> Invitation.fromCode("AB", server.http)
            "unreachable" -> Invitation.fromCode(invite("mangled").code, "127.0.0.1:1")
            else -> error("no way to mangle is named $how")
        }.close()
    }

    private suspend fun picture(name: String): String {
        val file = File(System.getenv("CARDEA_SCENARIOS")).resolve("pictures/$name")
        return Invitation.fromQrImage(file.readBytes()).use { it.preview.host }
    }
}
