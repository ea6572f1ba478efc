package dev.cardea.test

import dev.cardea.Clock
import dev.cardea.Confirmation
import dev.cardea.Event
import dev.cardea.Host
import dev.cardea.Live
import dev.cardea.Token
import dev.cardea.Transport
import dev.cardea.Wallet
import dev.cardea.WalletOptions
import java.io.File
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout

val PLAYED: WalletOptions = OPTIONS.copy(recoverInBackground = false, transport = Transport.TCP)

/** Wallets, their folders and their hosts. */
class DeviceSteps(private val scope: CoroutineScope) : Steps, AutoCloseable {
    private val aside = newFolder()
    private val devices = mutableMapOf<String, Device>()
    private val hosts = PlayedHosts()
    private lateinit var device: Device

    /** Names of the tokens, by user. */
    val names = mutableMapOf<String, String>()

    /** The texts that were read last, by user. */
    val texts = mutableMapOf<String, List<Confirmation>>()

    /** How a wallet is opened again and again, and the one that is open, if it could be. */
    private class Device(val folder: File, val options: WalletOptions, val host: Host) {
        var open: Open? = null
    }

    /** A wallet that is open, and what it told. */
    private class Open(val wallet: Wallet, private val listener: Job, val events: Channel<Event>) {
        var live: Live? = null

        fun drop() {
            listener.cancel()
            live?.close()
            wallet.close()
        }
    }

    private val open: Open get() = checkNotNull(device.open) { "this wallet could not be opened" }

    val wallet: Wallet get() = open.wallet

    suspend fun token(user: String): Token = wallet.token(checkNotNull(names[user]) { "$user was not enrolled" })

    suspend fun begin() {
        use("main", Device(newFolder().resolve("wallet"), PLAYED, Host()))
    }

    override fun close() {
        devices.values.forEach { it.open?.drop() }
        devices.values.forEach { it.folder.deleteRecursively() }
        aside.deleteRecursively()
    }

    override suspend fun play(verb: String, words: List<String>): Any? = when (verb) {
        "wallet" -> wallet(words)
        "reopen" -> replace { }
        "clock" -> words[0].toLong().let { off -> replace(Clock { System.currentTimeMillis() / 1000 + off }) { } }
        "backup" -> backup()
        "restore" -> replace { folder ->
            folder.deleteRecursively()
            copy(aside.resolve("copy"), folder)
        }
        "damage" -> replace { folder -> damage(folder, words[0]) }
        "host" -> hosts.misbehave(words[0], words[1])
        "behave" -> hosts.behave(words[0], words[1])
        "asked" -> hosts.asked()
        "asked_for" -> hosts.askedFor
        "tokens" -> wallet.tokens().size
        "close_all" -> wallet.closeAll().count { it.status != null }
        "go_live" -> open.live = wallet.goLive()
        "wake" -> checkNotNull(open.live).wake()
        "stop_live" -> checkNotNull(open.live).stop()
        "event" -> event(names.getValue(words[0]), words[1])
        else -> null
    }

    private suspend fun open(clock: Clock? = null) {
        val host = Host(clock, secrets = device.host.secrets, presence = device.host.presence)
        val wallet = Wallet.open(device.folder, device.options, host)
        val events = Channel<Event>(Channel.UNLIMITED)
        // Undispatched, so that nothing is missed.
        val listener = scope.launch(start = CoroutineStart.UNDISPATCHED) { wallet.events.collect(events::send) }
        device.open = Open(wallet, listener, events)
    }

    /** Goes on with a device, which has its name also if it cannot be opened. */
    private suspend fun use(name: String, device: Device) {
        devices[name] = device
        this.device = device
        if (device.open == null) open()
    }

    private suspend fun wallet(words: List<String>) {
        val (name, how) = words[0] to words.getOrNull(1)
        fun fresh(options: WalletOptions = PLAYED, host: Host = Host()) = Device(newFolder().resolve("wallet"), options, host)
        val device = devices[name] ?: when (how) {
            null -> fresh()
            "shares" -> Device(devices.getValue(words[2]).folder, PLAYED, Host())
            "strict" -> fresh(PLAYED.copy(allowTestArgon2 = false))
            "automatic" -> fresh(PLAYED.copy(transport = Transport.AUTOMATIC))
            "hosted" -> fresh(host = hosts.host(words.drop(2)))
            else -> error("no wallet is $how")
        }
        use(name, device)
    }

    /** Drops the wallet, does something to its folder, and opens it, with that clock for as long as it is open now. */
    private suspend fun replace(clock: Clock? = null, change: (File) -> Unit) {
        device.open?.drop()
        device.open = null
        change(device.folder)
        open(clock)
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

    private suspend fun event(token: String, kind: String) {
        withTimeout(30.seconds) {
            while (true) {
                val event = open.events.receive()
                if (event is Event.OfToken && event.token == token && snake(event.javaClass.simpleName) == kind) break
            }
        }
    }
}

/** `ClosingSoon` as `closing_soon`. */
fun snake(name: String): String = name.replace(Regex("(?<=.)[A-Z]"), "_$0").lowercase()
