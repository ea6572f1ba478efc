package dev.cardea.test

import dev.cardea.Approval
import dev.cardea.CardeaException
import dev.cardea.Deed
import dev.cardea.ReceiptExpectation
import dev.cardea.VerifiedReceipt
import dev.cardea.verifyReceipt
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlinx.coroutines.runBlocking
import org.junit.Test

/** What devices have signed, checked without a server. */
class ReceiptTest {
    private val text = "Pay 420.00 EUR to Ann"

    /** The API's answer about a confirmation that was approved. */
    private suspend fun approved(): String {
        val (server, user) = Server.shared to newUser()
        val token = server.enrolled(user).token
        val asked = server.ask(user, text)
        token.approve(token.confirmations().single(), Approval.Pin(pin()))
        return server.confirmation(asked)
    }

    private fun failed(json: String, expected: ReceiptExpectation = ReceiptExpectation()): Int =
        assertFailsWith<CardeaException.RelyingParty>(json.take(80)) { verifyReceipt(json, expected) }.code

    @Test
    fun `a receipt proves what was signed, by which key, and nothing else`(): Unit = runBlocking {
        val kept = approved()
        val proved = verifyReceipt(kept, ReceiptExpectation(deed = Deed.APPROVED, text = text))
        assertEquals(Deed.APPROVED to 32, proved.deed to proved.publicKey.size)
        val again: VerifiedReceipt = verifyReceipt(
            kept,
            ReceiptExpectation(
                publicKey = proved.publicKey,
                token = proved.token,
                device = proved.device,
                confirmation = proved.confirmation,
                notBefore = proved.at,
                notAfter = proved.at,
            ),
        )
        assertContentEquals(proved.publicKey, again.publicKey)
        assertEquals(proved.toString(), again.toString())
        val others = listOf(
            ReceiptExpectation(deed = Deed.DENIED),
            ReceiptExpectation(text = "Pay 421.00 EUR to Ann"),
            ReceiptExpectation(text = "\uD800"),
            ReceiptExpectation(publicKey = ByteArray(32)),
            ReceiptExpectation(token = "0".repeat(32)),
            ReceiptExpectation(device = "0".repeat(8)),
            ReceiptExpectation(confirmation = "0".repeat(16)),
            ReceiptExpectation(notBefore = Long.MAX_VALUE),
            ReceiptExpectation(notAfter = -1),
        )
        others.forEachIndexed { index, other -> assertEquals(169, failed(kept, other), "expectation $index") }
        val never = listOf(
            ReceiptExpectation(publicKey = ByteArray(31)), ReceiptExpectation(token = "none"),
            ReceiptExpectation(device = ""), ReceiptExpectation(deed = Deed.OTHER), ReceiptExpectation(confirmation = "é".repeat(8)),
        )
        never.forEachIndexed { index, mistake -> assertEquals(161, failed(kept, mistake), "mistake $index") }
    }

    @Test
    fun `what was cut, changed or made up proves nothing`(): Unit = runBlocking {
        val kept = approved()
        for (size in kept.indices step 7) assertEquals(169, failed(kept.take(size)), "$size characters")
        for (how in listOf("cut", "flipped", "long")) assertEquals(169, failed(mangledReceipt(kept, how)), how)
        assertEquals(169, failed(kept.replace(text, "Pay 421.00 EUR to Ann")))
        for (made in listOf("", "null", "{}", "[]", "\u0000", "\uD800", "[".repeat(100_000), "{\"receipt\":1}")) {
            assertEquals(169, failed(made), made.take(20))
        }
    }
}
