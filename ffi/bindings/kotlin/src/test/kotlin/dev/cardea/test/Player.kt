package dev.cardea.test

import dev.cardea.CardeaException
import dev.cardea.Clock
import dev.cardea.Confirmation
import dev.cardea.DenyReason
import dev.cardea.Entropy
import dev.cardea.Event
import dev.cardea.Host
import dev.cardea.Invitation
import dev.cardea.Live
import dev.cardea.Pins
import dev.cardea.State
import dev.cardea.Status
import dev.cardea.Token
import dev.cardea.Transport
import dev.cardea.Wallet
import dev.cardea.ffi.Cancel
import dev.cardea.fromCode
import dev.cardea.raised
import java.io.File
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield

private val PLAYED = OPTIONS.copy(recoverInBackground = false, transport = Transport.TCP)

/** Plays the steps of one scenario: the relying party's and the operator's with [server], the device's with wallets. */
class Player(private val scope: CoroutineScope) : AutoCloseable {
    private val server = Server()
    private val aside = newFolder()
    private val devices = mutableMapOf<String, Device>()
    private val offers = mutableMapOf<String, Offer>()
    private val asked = mutableMapOf<String, String>()
    private lateinit var device: Device

    /** How a device enrolled in it. */
    private class Offer(val link: String, val code: String) {
        var token: String? = null
        var texts: List<Confirmation> = emptyList()
    }

    /** A wallet that is open, and what it told. */
    private class Device(val folder: File, val wallet: Wallet, private val listener: Job, val events: Channel<Event>) {
        var live: Live? = null

        fun drop() {
            listener.cancel()
            live?.close()
            wallet.close()
        }
    }

    suspend fun begin() {
        device = open(newFolder().resolve("wallet"))
        devices["main"] = device
    }

    override fun close() {
        devices.values.forEach { it.drop() }
        server.close()
        devices.values.forEach { it.folder.deleteRecursively() }
        aside.deleteRecursively()
    }

    /** Plays one step; how it came out, in the words of the scenarios. */
    suspend fun play(words: List<String>): String = try {
        when (val outcome = run(words[0], words.drop(1))) {
            is Unit -> "ok"
            is Status -> outcome.state.name.lowercase()
            is String -> "\"$outcome\""
            is Number -> outcome.toString()
            else -> error("a step came out as ${outcome.javaClass}")
        }
    } catch (error: CardeaException) {
        check(error.message.isNotBlank() && "(code ${error.code})" in error.toString()) { "no text for a person: $error" }
        "error ${error.code}"
    }

    private suspend fun run(verb: String, words: List<String>): Any = when (verb) {
        "service" -> server.setting(words[0], words[1])
        "advance" -> server.advance(words[0].toLong()).let { }
        "check" -> server.status(words[0])
        "ask" -> ask(words)
        "answer" -> server.confirmationState(asked.getValue(words[0]))
        "withdraw" -> server.withdraw(asked.getValue(words[0]))
        "close_at_server" -> server.call("close", words[0]).let { }
        "unblock" -> server.call("unblock", words[0]).let { }
        "clear_duress" -> server.call("duress/clear", words[0]).let { }
        "delete" -> server.call("delete", words[0]).let { }
        "server" -> if (words[0] == "stop") server.stop() else server.start()
        "wallet" -> wallet(words)
        "reopen" -> replace { }
        "clock" -> replace(Host(clock = words[0].toLong().let { off -> Clock { System.currentTimeMillis() / 1000 + off } })) { }
        "backup" -> backup()
        "restore" -> replace { folder ->
            folder.deleteRecursively()
            copy(aside.resolve("copy"), folder)
        }
        "damage" -> replace { folder -> damage(folder, words[0]) }
        "host" -> misbehaving(words[0], words[1])
        "invite" -> invite(words[0], words.getOrNull(1)).let { }
        "link" -> mangledLink(words[0])
        "code" -> mangledCode(words[0])
        "tokens" -> device.wallet.tokens().size
        "enroll" -> enroll(words[0], words.drop(1)) { Invitation.fromText(it.link) }
        "enroll_code" -> enroll(words[0], words.drop(1)) { Invitation.fromCode(it.code, server.http) }
        "preview" -> Invitation.fromText(offers.getValue(words[0]).link).preview.host
        "close_all" -> device.wallet.closeAll().count { it.status != null }
        "go_live" -> device.live = device.wallet.goLive()
        "wake" -> checkNotNull(device.live).wake()
        "stop_live" -> checkNotNull(device.live).stop()
        "interrupted" -> interrupted(words)
        "event" -> event(checkNotNull(offers.getValue(words[0]).token), words[1])
        else -> runToken(verb, words[0], words.drop(1))
    }

    private suspend fun runToken(verb: String, user: String, words: List<String>): Any {
        val token = token(user)
        return when (verb) {
            "open" -> token.open(pin(words[0]), words.getOrNull(1)?.toLong()?.seconds)
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
            "confirmations" -> token.confirmations().also { offers.getValue(user).texts = it }.joinToString(" / ") { it.text }
            "approve" -> token.approve(offers.getValue(user).texts.first(), approval(words[0]))
            "deny" -> token.deny(offers.getValue(user).texts.first(), words.getOrNull(0)?.let { DenyReason.valueOf(it.uppercase()) })
            "devices" -> token.devices().size
            "revoke_other" -> token.revokeDevice(token.devices().firstOrNull { !it.isThis }?.id ?: "00000000", approval(words[0]))
            "history" -> token.history().joinToString(", ") { it.deed.name.lowercase() }
            "service_info" -> token.serviceInfo().let { "${it.service} / ${it.user}" }
            "label" -> token.setLabel(words[0])
            "labeled" -> token.info().label
            "pending" -> if (token.info().pending) "yes" else "no"
            "cancelled" -> cancelled(token)
            else -> error("no step is named $verb")
        }
    }

    private fun approval(pin: String) = dev.cardea.Approval.Pin(pin(pin))

    private fun pins(words: List<String>) = Pins(pin(words[0]), words.drop(1).map(::pin))

    private suspend fun token(user: String): Token =
        device.wallet.token(checkNotNull(offers.getValue(user).token) { "$user was not enrolled" })

    private fun ask(words: List<String>) {
        val lifetime = words.getOrNull(2)?.let { arrayOf<Pair<String, Any>>("expiresIn" to it.toLong()) } ?: emptyArray()
        asked[words[0]] = Server.text(server.call("confirmation", words[0], "text" to words[1], *lifetime), "confirmation")
    }

    private fun invite(user: String, how: String? = null): Offer {
        val more: Array<Pair<String, Any>> = when (how) {
            null -> emptyArray()
            "replace" -> arrayOf("replaceDevice" to true)
            "add" -> arrayOf("addDevice" to true)
            else -> error("nobody is invited to $how")
        }
        val answer = server.call("enroll", user, "qr" to false, *more)
        val offer = Offer(Server.text(answer, "link"), Server.text(answer, "code"))
        offer.token = offers[user]?.token
        offers[user] = offer
        return offer
    }

    private suspend fun enroll(user: String, pins: List<String>, invitation: suspend (Offer) -> Invitation) {
        val offer = offers[user] ?: invite(user)
        offer.token = device.wallet.enroll(invitation(offer), pins(pins)).token.id
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

    private suspend fun open(folder: File, options: dev.cardea.WalletOptions = PLAYED, host: Host = Host()): Device {
        val wallet = Wallet.open(folder, options, host)
        val events = Channel<Event>(Channel.UNLIMITED)
        // Undispatched, so that nothing is missed.
        val listener = scope.launch(start = CoroutineStart.UNDISPATCHED) { wallet.events.collect(events::send) }
        return Device(folder, wallet, listener, events)
    }

    private suspend fun wallet(words: List<String>) {
        val (name, how) = words[0] to words.getOrNull(1)
        device = devices[name] ?: when (how) {
            null -> open(newFolder().resolve("wallet"))
            "shares" -> open(devices.getValue(words[2]).folder)
            "strict" -> open(newFolder().resolve("wallet"), PLAYED.copy(allowTestArgon2 = false))
            "automatic" -> open(newFolder().resolve("wallet"), PLAYED.copy(transport = Transport.AUTOMATIC))
            else -> error("no wallet is $how")
        }
        devices[name] = device
    }

    /** Drops the wallet, does something to its folder, and opens it. */
    private suspend fun replace(host: Host = Host(), change: (File) -> Unit) {
        device.drop()
        change(device.folder)
        val name = devices.entries.first { it.value === device }.key
        device = open(device.folder, host = host)
        devices[name] = device
    }

    private fun backup() {
        aside.resolve("copy").deleteRecursively()
        copy(device.folder, aside.resolve("copy"))
    }

    private fun damage(folder: File, how: String) {
        val tokens = folder.listFiles { file -> file.name.endsWith(".token") }.orEmpty()
        when (how) {
            "no_key" -> check(folder.resolve("store.key").delete())
            "cut" -> tokens.forEach { it.writeBytes(it.readBytes().let { bytes -> bytes.copyOf(bytes.size - 1) }) }
            "flip" -> tokens.forEach { file ->
                val bytes = file.readBytes()
                bytes[bytes.size - 1] = (bytes.last().toInt() xor 1).toByte()
                file.writeBytes(bytes)
            }
            else -> error("no damage is named $how")
        }
    }

    private suspend fun misbehaving(part: String, behavior: String) {
        fun misbehave(): Nothing = when (behavior) {
            "throws" -> error("on purpose")
            "reenters" -> runBlocking { Wallet.inMemory(PLAYED) }.let { error("it was let in") }
            else -> error("no behavior is named $behavior")
        }
        val host = when (part) {
            "clock" -> Host(clock = { misbehave() })
            "entropy" -> Host(entropy = Entropy { count -> if (behavior == "short") ByteArray(count - 1) else misbehave() })
            else -> error("no part is named $part")
        }
        Wallet.inMemory(PLAYED, host).close()
    }

    private suspend fun event(token: String, kind: String) {
        withTimeout(30.seconds) {
            while (true) {
                val event = device.events.receive()
                if (event is Event.OfToken && event.token == token && snake(event.javaClass.simpleName) == kind) break
            }
        }
    }

    private fun snake(name: String) = name.replace(Regex("(?<=.)[A-Z]"), "_$0").lowercase()

    private suspend fun cancelled(token: Token): Any = try {
        token.low.status(Cancel().also { it.cancel() }).let { error("it was not cancelled") }
    } catch (error: dev.cardea.ffi.CardeaException) {
        throw error.raised()
    }

    /** The server stands still until the step waits for it, and is killed then. */
    private suspend fun interrupted(words: List<String>): Any = coroutineScope {
        val token = token(words[1])
        server.freeze()
        val step = async { run(words[0], words.drop(1)) }
        while (!token.info().pending) yield()
        server.stop()
        server.start()
        step.await()
    }
}

/** How a step has to come out. */
fun holds(outcome: String, expected: String?): Boolean = when (expected) {
    null, "ok" -> !outcome.startsWith("error ")
    else -> outcome == expected
}
