package dev.cardea.test

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

    /** Another JVM like this one. */
    private fun child(vararg arguments: String, more: String? = null, without: String? = null): Process {
        val settings = listOf("jna.library.path").filter { it != without }.map { "-D$it=${System.getProperty(it)}" }
        val path = System.getProperty("java.class.path") + (more?.let { File.pathSeparator + it } ?: "")
        val line = listOf(File(System.getProperty("java.home"), "bin/java").path, "-XX:TieredStopAtLevel=1", "-Xmx256m") + settings +
            listOf("-cp", path, "dev.cardea.test.ChildKt") + arguments
        val builder = ProcessBuilder(line)
        // Where cargo looks, a library would be found before the one in the jar.
        builder.environment().remove("LD_LIBRARY_PATH")
        return builder.redirectError(ProcessBuilder.Redirect.INHERIT).start().also(children::add)
    }

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

    @Test
    fun `two class loaders have a library each from the jar, and their hosts do not mix`() {
        val jar = folder.resolve("resources.jar")
        val library = File(System.getenv("CARDEA_LIBRARY"))
        JarOutputStream(jar.outputStream()).use { stream ->
            stream.putNextEntry(JarEntry("${Platform.RESOURCE_PREFIX}/${library.name}"))
            library.inputStream().use { it.copyTo(stream) }
        }
        assertEquals(listOf("apart"), twice(jar.path, without = "jna.library.path"))
    }

    @Test
    fun `two class loaders that would share a library file are told, before anything of one reaches the other`() {
        val (line) = twice(more = null, without = null)
        assertTrue("another class loader uses this very library" in line, line)
    }
}
