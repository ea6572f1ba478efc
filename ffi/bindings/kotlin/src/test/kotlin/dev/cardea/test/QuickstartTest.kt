package dev.cardea.test

import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream
import kotlin.coroutines.Continuation
import kotlin.coroutines.intrinsics.suspendCoroutineUninterceptedOrReturn
import kotlin.test.assertEquals
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Before
import org.junit.Test

/** The quickstart of `docs/sdk.md`, as printed there, with a server that protects PINs as one does that is not for tests. */
class QuickstartTest {
    private val wallet = File("wallet")

    @Before
    @After
    fun clean() {
        wallet.deleteRecursively()
    }

    @Test
    fun `it does what it says`(): Unit = runBlocking {
        Server(testArgon2 = false).use { server ->
            val user = newUser()
            val link = server.enroll(user)
            val said = ByteArrayOutputStream()
            val out = System.out
            System.setOut(PrintStream(said))
            try {
                quickstart(link)
            } finally {
                System.setOut(out)
            }
            assertEquals("enrolling at 127.0.0.1\nopen for 1m\n", said.toString())
            assertEquals(2, server.status(user))
        }
    }

    /** It is in no package, as examples are, so that no import can name it. */
    private suspend fun quickstart(link: String) {
        val method = Class.forName("QuickstartKt").getMethod("quickstart", String::class.java, Continuation::class.java)
        suspendCoroutineUninterceptedOrReturn<Any?> { method.invoke(null, link, it) }
    }
}
