package dev.cardea.test

import dev.cardea.Approval
import dev.cardea.Entropy
import dev.cardea.Host
import dev.cardea.Presence
import dev.cardea.Purpose
import dev.cardea.SecretStore
import dev.cardea.SecretsDenied
import dev.cardea.SecretsFull
import dev.cardea.Wallet
import java.io.IOException
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicInteger
import kotlin.experimental.inv
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.runBlocking

/** The key of the biometric slot: the bytes 1 to 32. */
fun biometricKey(): ByteArray = ByteArray(32) { (it + 1).toByte() }

/** One byte too few for a key of the biometric slot. */
fun shortKey(): ByteArray = ByteArray(31) { 1 }

/** How the holder approves, in the words of the scenarios. */
fun approval(word: String): Approval = when (word) {
    "ask" -> Approval.Ask
    "key" -> Approval.Biometric(biometricKey())
    "other_key" -> Approval.Biometric(ByteArray(32) { 9 })
    "short_key" -> Approval.Biometric(shortKey())
    else -> Approval.Pin(pin(word))
}

/** The hosts of wallets, which do what they are told. */
class PlayedHosts {
    @Volatile
    private var answer = PIN

    @Volatile
    private var keeping = "keeps"

    private val count = AtomicInteger()

    /** What the presence was asked for last. */
    @Volatile
    var askedFor: String = ""
        private set

    /** How often the presence was asked since the last time that this was. */
    fun asked(): Int = count.getAndSet(0)

    fun behave(part: String, how: String) = when (part) {
        "presence" -> answer = how
        "secrets" -> keeping = how
        else -> error("no part is named $part")
    }

    /** A host with these parts. */
    fun host(parts: List<String>): Host {
        parts.forEach { check(it == "presence" || it == "secrets") { "no part is named $it" } }
        return Host(
            secrets = if ("secrets" in parts) Secrets() else null,
            presence = if ("presence" in parts) Presence { approve(it.purpose) } else null,
        )
    }

    private fun approve(purpose: Purpose): Approval {
        count.incrementAndGet()
        askedFor = if (purpose is Purpose.ApproveText) "approve" else snake(purpose.javaClass.simpleName)
        return when (val how = answer) {
            "cancels" -> throw CancellationException("the holder gave up")
            "throws" -> throw IOException("on purpose")
            "reenters" -> reenter()
            "lies" -> Approval.Pin("abcdef".toCharArray())
            else -> approval(how)
        }
    }

    private inner class Secrets : SecretStore {
        private val kept = ConcurrentHashMap<String, ByteArray>()

        override fun load(name: String): ByteArray? {
            behave()
            val secret = kept[name] ?: return null
            return when (keeping) {
                "forgets" -> null
                "lies" -> ByteArray(secret.size) { secret[it].inv() }
                "short" -> secret.copyOf(1)
                else -> secret.copyOf()
            }
        }

        override fun save(name: String, secret: ByteArray) {
            behave()
            if (keeping == "full") throw SecretsFull("on purpose")
            kept[name] = secret.copyOf()
        }

        override fun remove(name: String) {
            behave()
            kept.remove(name)
        }

        private fun behave() {
            when (keeping) {
                "keeps", "full", "forgets", "lies", "short" -> {}
                "throws" -> throw IOException("on purpose")
                "denied" -> throw SecretsDenied("on purpose")
                "reenters" -> reenter()
                else -> error("secrets never do what is named $keeping")
            }
        }
    }

    /** Opens and drops a wallet in memory whose host brings only one part, which misbehaves. */
    suspend fun misbehave(part: String, behavior: String) {
        fun misbehave(): Nothing = when (behavior) {
            "throws" -> error("on purpose")
            "reenters" -> reenter()
            else -> error("no behavior is named $behavior")
        }
        val host = when (part) {
            "clock" -> Host(clock = { misbehave() })
            "entropy" -> Host(entropy = Entropy { count -> if (behavior == "short") ByteArray(count - 1) else misbehave() })
            else -> error("no part is named $part")
        }
        Wallet.inMemory(PLAYED, host).close()
    }

    private fun reenter(): Nothing {
        runBlocking { Wallet.inMemory(PLAYED) }.close()
        error("it was let in")
    }
}
