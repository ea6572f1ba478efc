package dev.cardea.test

import dev.cardea.CardeaException
import dev.cardea.Host
import dev.cardea.SecretStore
import dev.cardea.SecretsDenied
import dev.cardea.SecretsFull
import dev.cardea.State
import dev.cardea.Wallet
import java.nio.file.Files
import java.util.concurrent.CountDownLatch
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Test

/** Stores of secrets that are slow, refuse or call back, and the keyring of the operating system. */
class SecretsTest {
    private val folder = newFolder()
    private val children = mutableListOf<Process>()

    @After
    fun clean() {
        children.asReversed().forEach { it.destroyForcibly().waitFor() }
        folder.deleteRecursively()
    }

    private class Refusing(val refuse: () -> Nothing) : SecretStore {
        override fun load(name: String): ByteArray? = refuse()

        override fun save(name: String, secret: ByteArray): Unit = refuse()

        override fun remove(name: String): Unit = refuse()
    }

    @Test
    fun `a store that is full, locked or calls the wallet back keeps it from opening, and leaves nothing`(): Unit = runBlocking {
        var inner: Throwable? = null
        val stores = mapOf(
            "full" to Refusing { throw SecretsFull("on purpose: secret-word") },
            "denied" to Refusing { throw SecretsDenied("on purpose: secret-word") },
            "calls back" to Refusing {
                inner = runCatching { runBlocking { Wallet.inMemory(OPTIONS) } }.exceptionOrNull()
                throw checkNotNull(inner) { "it was let in" }
            },
        )
        for ((name, store) in stores) {
            val place = folder.resolve(name)
            val error = assertFailsWith<CardeaException.Storage>(name) { Wallet.open(place, OPTIONS, Host(secrets = store)) }
            assertEquals(142, error.code, name)
            assertFalse("secret-word" in error.toString())
            assertEquals(emptyList(), place.listFiles().orEmpty().filter { it.name.endsWith(".key") }, name)
        }
        assertEquals(151, (inner as CardeaException).code)
    }

    @Test
    fun `a store of secrets without a folder is a mistake of the program, and is not asked`(): Unit = runBlocking {
        val store = Refusing { throw AssertionError("it was asked") }
        val error = assertFailsWith<CardeaException.Misuse> { Wallet.inMemory(OPTIONS, Host(secrets = store)) }
        assertEquals(117, error.code)
    }

    @Test
    fun `a store that never answers holds up nobody else, and who waits may give up`(): Unit = runBlocking {
        val (asked, answer) = CompletableDeferred<Unit>() to CountDownLatch(1)
        val slow = Refusing {
            asked.complete(Unit)
            answer.await()
            error("too late")
        }
        val waiting = launch(Dispatchers.Default) { Wallet.open(folder.resolve("slow"), OPTIONS, Host(secrets = slow)) }
        asked.await()
        assertEquals(State.OPEN, Server.shared.enrolled(newUser(), folder.resolve("other")).token.open(pin()).state)
        waiting.cancelAndJoin()
        assertTrue(waiting.isCancelled)
        answer.countDown()
    }

    private fun said(bus: String): List<String> {
        val environment = mapOf("DBUS_SESSION_BUS_ADDRESS" to bus)
        val child = childProgram("keyring", folder.resolve("wallet").path, environment = environment).also(children::add)
        val lines = child.inputStream.bufferedReader().readLines()
        assertEquals(0, child.waitFor())
        return lines
    }

    @Test
    fun `without a keyring no wallet opens with it`() {
        assertEquals(listOf("wallet 142", "load IOException"), said("unix:path=/nonexistent"))
        assertEquals(emptyList(), folder.resolve("wallet").list().orEmpty().toList())
    }

    @Test
    fun `a wallet keeps its key in the keyring, and misses it when it is gone`() {
        assertEquals(listOf("opened", "opened", "32 bytes", "wallet 135"), said(bus()))
    }

    /** A bus of our own with a keyring on it that is unlocked; where it is. */
    private fun bus(): String {
        val own = mapOf("HOME" to folder.path, "XDG_DATA_HOME" to folder.resolve("data").path, "XDG_RUNTIME_DIR" to folder.path)
        fun start(environment: Map<String, String>, vararg line: String): Process {
            val builder = ProcessBuilder(*line).redirectError(ProcessBuilder.Redirect.DISCARD)
            builder.environment().putAll(own + environment)
            return builder.start().also(children::add)
        }
        val daemon = start(emptyMap(), "dbus-daemon", "--session", "--nofork", "--print-address")
        val address = daemon.inputStream.bufferedReader().readLine()
        // For its owner alone, or it is not used.
        val control = Files.createTempDirectory(folder.toPath(), "control").toFile()
        val line = arrayOf("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets", "--control-directory", control.path)
        val keyring = start(mapOf("DBUS_SESSION_BUS_ADDRESS" to address), *line)
        keyring.outputStream.use { it.write("password of the keyring".toByteArray()) }
        // It says where it is once it is there.
        assertTrue("GNOME_KEYRING_CONTROL" in keyring.inputStream.bufferedReader().readLine())
        return address
    }
}
