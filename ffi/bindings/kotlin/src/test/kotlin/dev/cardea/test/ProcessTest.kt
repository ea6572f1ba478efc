package dev.cardea.test

import dev.cardea.CardeaException
import dev.cardea.State
import dev.cardea.Wallet
import com.sun.jna.Platform
import java.io.File
import java.util.jar.JarEntry
import java.util.jar.JarOutputStream
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Test

/** What happens between programs: sharing a folder, being killed, loading the library twice. */
class ProcessTest {
    private val folder = newFolder()
    private val children = mutableListOf<Process>()
    private val server get() = Server.shared

    @After
    fun clean() {
        children.forEach { it.destroyForcibly().waitFor() }
        folder.deleteRecursively()
    }

    private fun child(vararg arguments: String, more: String? = null, without: String? = null): Process =
        childProgram(*arguments, more = more, without = without).also(children::add)

    @Test
    fun `two programs on one folder take turns`(): Unit = runBlocking {
        val user = newUser()
        val store = folder.resolve("wallet")
        val token = server.enrolled(user, store).token
        val others = List(2) { child("rounds", store.path, "10") }
        val here = (1..10).map { token.open(pin()).state to token.close().state }
        assertEquals(setOf(State.OPEN to State.CLOSED), here.toSet())
        for (other in others) {
            assertEquals(20, other.inputStream.bufferedReader().readLines().size)
            assertEquals(0, other.waitFor())
        }
        assertEquals(State.CLOSED to 10, token.status().let { it.state to it.triesLeft })
        assertEquals(1, Wallet.open(store, OPTIONS).tokens().size)
    }

    @Test
    fun `a program that is killed anywhere leaves a token that goes on`(): Unit = runBlocking {
        val user = newUser()
        val store = folder.resolve("wallet")
        server.enrolled(user, store)
        for (lines in listOf(1, 2, 5, 8)) {
            val child = child("rounds", store.path, "1000000")
            val output = child.inputStream.bufferedReader()
            repeat(lines) { assertTrue(output.readLine() != null) }
            child.destroyForcibly().waitFor()
            val token = Wallet.open(store, OPTIONS).tokens().single()
            val state = token.status()
            assertEquals(state.state == State.OPEN, server.status(user) == 1)
            assertEquals(State.OPEN, token.open(pin()).state)
            assertEquals(State.CLOSED to 10, token.close().let { it.state to it.triesLeft })
        }
    }

    private fun twice(more: String?, without: String?): List<String> {
        val links = List(2) { server.enroll(newUser()) }
        val child = child("twice", links[0], links[1], more = more, without = without)
        val lines = child.inputStream.bufferedReader().readLines()
        assertEquals(0, child.waitFor())
        return lines
    }

    /** A jar with the library, as the package is one. */
    private fun jar(): String {
        val jar = folder.resolve("resources.jar")
        val library = File(System.getenv("CARDEA_LIBRARY"))
        JarOutputStream(jar.outputStream()).use { stream ->
            stream.putNextEntry(JarEntry("${Platform.RESOURCE_PREFIX}/${library.name}"))
            library.inputStream().use { it.copyTo(stream) }
        }
        return jar.path
    }

    @Test
    fun `two class loaders have a library each from the jar, and their hosts do not mix`() {
        assertEquals(listOf("apart"), twice(jar(), without = "jna.library.path"))
    }

    @Test
    fun `two copies of the library in one program take turns on one folder`(): Unit = runBlocking {
        val user = newUser()
        val store = folder.resolve("wallet")
        val token = server.enrolled(user, store).token
        val child = child("shared", store.path, more = jar(), without = "jna.library.path")
        assertEquals(listOf("0 failed"), child.inputStream.bufferedReader().readLines())
        assertEquals(0, child.waitFor())
        assertEquals(State.CLOSED to 10, token.status().let { it.state to it.triesLeft })
        assertEquals(2, server.status(user))
    }

    @Test
    fun `a folder that was put back from a backup is noticed, and opens nothing by itself`(): Unit = runBlocking {
        val user = newUser()
        val (store, aside) = folder.resolve("wallet") to folder.resolve("aside")
        val token = server.enrolled(user, store).token
        copy(store, aside)
        repeat(3) { token.open(pin()) }
        token.close()
        store.deleteRecursively()
        copy(aside, store)
        val restored = Wallet.open(store, OPTIONS).tokens().single()
        val opened = runCatching { restored.open(pin()).state }
        val error = opened.exceptionOrNull()
        assertTrue(error is CardeaException && opened.getOrNull() == null, "$opened")
        assertTrue(server.status(user) != 1)
    }

    @Test
    fun `two class loaders that would share a library file are told, before anything of one reaches the other`() {
        val (line) = twice(more = null, without = null)
        assertTrue("another class loader uses this very library" in line, line)
    }
}
