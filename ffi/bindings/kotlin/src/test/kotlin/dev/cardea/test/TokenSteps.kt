package dev.cardea.test

import dev.cardea.CardeaException
import dev.cardea.DenyReason
import dev.cardea.Token
import dev.cardea.ffi.Cancel
import dev.cardea.raised
import kotlin.time.Duration.Companion.seconds

/** What a holder does with a token. */
class TokenSteps(private val devices: DeviceSteps) : Steps {
    override suspend fun play(verb: String, words: List<String>): Any? {
        val user = words.firstOrNull() ?: return null
        return prepare(verb, words)?.invoke() ?: play(verb, user, devices.token(user), words.drop(1))
    }

    override suspend fun prepare(verb: String, words: List<String>): (suspend () -> Any)? {
        if (verb != "revoke_other") return null
        val token = devices.token(words[0])
        val other = token.devices().firstOrNull { !it.isThis }?.id ?: "00000000"
        return { token.revokeDevice(other, approval(words[1])) }
    }

    private suspend fun play(verb: String, user: String, token: Token, words: List<String>): Any? = when (verb) {
        "open" -> token.open(approval(words[0]), words.getOrNull(1)?.toLong()?.seconds)
        "close" -> token.close()
        "status" -> token.status()
        "remaining" -> token.status().remaining?.inWholeSeconds ?: 0
        "tries" -> token.status().triesLeft
        "waiting" -> token.status().confirmations
        "skewed" -> if (token.status().clockDifference == null) "no" else "yes"
        "change_pin" -> token.changePins(approval(words[0]), pins(words.drop(1)))
        "set_duress" -> token.setDuress(pin(words[0]), words.drop(1).map(::pin))
        "unenroll" -> token.unenroll(approval(words[0]))
        "forget" -> token.forget()
        "confirmations" -> token.confirmations().also { devices.texts[user] = it }.joinToString(" / ") { it.text }
        "approve" -> token.approve(devices.texts.getValue(user).first(), approval(words[0]))
        "deny" -> token.deny(devices.texts.getValue(user).first(), words.getOrNull(0)?.let { DenyReason.valueOf(it.uppercase()) })
        "devices" -> token.devices().size
        "history" -> token.history().joinToString(", ") { it.deed.name.lowercase() }
        "service_info" -> token.serviceInfo().let { "${it.service} / ${it.user}" }
        "label" -> token.setLabel(words[0])
        "labeled" -> token.info().label
        "pending" -> if (token.info().pending) "yes" else "no"
        "cancelled" -> cancelled(token)
        else -> null
    }

    private suspend fun cancelled(token: Token): Any = try {
        token.low.status(Cancel().also { it.cancel() }).let { error("it was not cancelled") }
    } catch (error: dev.cardea.ffi.CardeaException) {
        throw error.raised()
    }
}
