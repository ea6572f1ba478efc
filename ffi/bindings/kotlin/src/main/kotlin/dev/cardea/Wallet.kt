package dev.cardea

import dev.cardea.ffi.Transport as LowTransport
import dev.cardea.ffi.Wallet as LowWallet
import dev.cardea.ffi.WalletOptions as LowOptions
import dev.cardea.ffi.openWallet
import dev.cardea.ffi.version
import java.io.File
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/** How a wallet is to be. */
public data class WalletOptions(
    /** Accept services that hash PINs as cheaply as tests do. Never for tokens that protect something. */
    val allowTestArgon2: Boolean = false,
    /** Say to servers that this device is emulated. They may refuse it. */
    val emulated: Boolean = false,
    /** Look after unanswered operations without waiting for the holder. */
    val recoverInBackground: Boolean = true,
    /** How servers are reached. */
    val transport: Transport = Transport.AUTOMATIC,
)

/** How servers are reached. */
public enum class Transport {
    /** The first way that works, the cheapest one first. */
    AUTOMATIC,

    /** Over TCP only. */
    TCP,
}

/**
 * The tokens of one holder on one device. May be used from any thread.
 *
 * What goes wrong is a [CardeaException]. A mistake of the program is an [IllegalStateException]: a wallet that was closed, PINs
 * that another call has taken, a library that another class loader uses.
 *
 * One wallet for the whole life of an app is what is meant; closing it is possible and not needed.
 */
public class Wallet private constructor(private val low: LowWallet) : AutoCloseable {
    /** All tokens, in a stable order. Asks nobody. */
    public suspend fun tokens(): List<Token> = call { low.tokens().map(::Token) }

    /** The token of this name. Asks nobody. */
    public suspend fun token(id: String): Token = call { Token(low.token(id.whole())) }

    /** What the service of an invitation asks of PINs. Asks its server and uses nothing up. */
    public suspend fun policy(invitation: Invitation): Policy = call { low.policy(invitation.low).lift() }

    /** Accepts an invitation. */
    public suspend fun enroll(invitation: Invitation, pins: Pins): Enrollment = pins.use {
        call { wiped ->
            val enrolled = low.enroll(invitation.low, pins.lower(wiped))
            Enrollment(Token(enrolled.token), enrolled.shortString, enrolled.shortStringRequired)
        }
    }

    /** Accepts an invitation given as text, with a PIN, which is overwritten here and now. */
    public suspend fun enroll(text: String, pin: CharArray): Enrollment {
        val pins = Pins(pin)
        return pins.use { Invitation.fromText(text).use { invitation -> enroll(invitation, pins) } }
    }

    /** Closes all tokens, several at a time. One that fails keeps no other from being closed. */
    public suspend fun closeAll(): List<Closed> = call {
        low.closeAll().map { Closed(it.token, it.status?.lift(), it.code?.toInt(), it.reason) }
    }

    /** Keeps live sessions until what this returns is stopped, closed or not referred to any more. */
    public fun goLive(): Live = immediately { Live(low.goLive()) }

    /**
     * What happens, from when the collector starts. Cold: every collector hears everything, and holds nothing once it is
     * cancelled. One that is slower than events come is told by [Event.Missed] how many it has missed.
     */
    public val events: Flow<Event> = flow {
        val stream = low.events()
        try {
            while (true) emit(stream.next()?.lift() ?: break)
        } finally {
            stream.cancel()
            stream.destroy()
        }
    }

    /** Frees the wallet now and not when it is found unused. Calls that are on their way end by themselves. */
    override fun close(): Unit = low.destroy()

    public companion object {
        /** Opens the wallet in [folder], which is made if it is not there. */
        public suspend fun open(
            folder: File,
            options: WalletOptions = WalletOptions(),
            host: Host = Host(),
        ): Wallet = openWith(folder, options, host)

        /** A wallet that is gone with the program. */
        public suspend fun inMemory(options: WalletOptions = WalletOptions(), host: Host = Host()): Wallet =
            openWith(null, options, host)

        private suspend fun openWith(folder: File?, options: WalletOptions, host: Host): Wallet = call {
            val low = LowOptions(
                folder = folder?.path,
                allowTestArgon2 = options.allowTestArgon2,
                emulated = options.emulated,
                recoverInBackground = options.recoverInBackground,
                transport = LowTransport.valueOf(options.transport.name),
            )
            Wallet(openWallet(low, host.lower()))
        }
    }
}

/** The version of the library, which is that of the whole of Cardea. */
public val cardeaVersion: String get() = immediately { version() }
