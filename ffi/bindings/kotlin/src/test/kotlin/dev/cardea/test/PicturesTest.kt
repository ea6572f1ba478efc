package dev.cardea.test

import dev.cardea.CardeaException
import dev.cardea.Invitation
import dev.cardea.InvitationKind
import dev.cardea.Pins
import dev.cardea.State
import dev.cardea.Wallet
import dev.cardea.fromCode
import dev.cardea.fromQrImage
import java.awt.image.BufferedImage
import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.util.zip.CRC32
import javax.imageio.ImageIO
import kotlin.random.Random
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.runBlocking
import org.junit.Test

/** Invitations in pictures of the QR code that a server gives, good and bad. */
class PicturesTest {
    private val server get() = Server.shared

    /** The server's drawing of squares, drawn again in points. */
    private fun drawn(svg: String): BufferedImage {
        val size = checkNotNull(Regex("""width="(\d+)"""").find(svg)).groupValues[1].toInt()
        val picture = BufferedImage(size, size, BufferedImage.TYPE_INT_RGB)
        for (y in 0 until size) for (x in 0 until size) picture.setRGB(x, y, 0xffffff)
        for (square in Regex("""M(\d+) (\d+)h(\d+)v(\d+)""").findAll(svg)) {
            val (left, top, width, height) = square.groupValues.drop(1).map(String::toInt)
            for (y in top until top + height) for (x in left until left + width) picture.setRGB(x, y, 0)
        }
        return picture
    }

    private fun invited(user: String = newUser()): BufferedImage = drawn(Server.text(server.call("enroll", user), "qrSvg"))

    private fun file(picture: BufferedImage, format: String): ByteArray =
        ByteArrayOutputStream().also { check(ImageIO.write(picture, format, it)) { "no $format here" } }.toByteArray()

    private suspend fun refused(bytes: ByteArray, what: String): CardeaException.InvitationRejected {
        val error = assertFailsWith<CardeaException.InvitationRejected>(what) { Invitation.fromQrImage(bytes) }
        assertEquals(115, error.code, what)
        return error
    }

    @Test
    fun `a picture of the code enrolls, as PNG and as JPEG`(): Unit = runBlocking {
        for (format in listOf("png", "jpeg")) {
            val user = newUser()
            val invitation = Invitation.fromQrImage(file(invited(user), format))
            assertEquals("127.0.0.1" to InvitationKind.LINK, invitation.preview.host to invitation.preview.kind)
            assertEquals(State.CLOSED, Wallet.inMemory(OPTIONS).enroll(invitation, Pins(pin())).token.status().state)
        }
        val code = Invitation.fromCode(server.code(newUser()), server.http)
        assertEquals(InvitationKind.CODE, code.preview.kind)
    }

    @Test
    fun `files that are no pictures, or pictures without a code, say so`(): Unit = runBlocking {
        val random = Random(1)
        val bad = mapOf(
            "nothing" to ByteArray(0), "a byte" to ByteArray(1), "zeros" to ByteArray(1_000_000),
            "noise" to random.nextBytes(100_000), "text" to "cardea".toByteArray(), "a GIF" to file(invited(), "gif"),
            "one point" to file(BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB), "png"),
            "black" to file(BufferedImage(500, 500, BufferedImage.TYPE_INT_RGB), "jpeg"),
        )
        for ((what, bytes) in bad) refused(bytes, what)
    }

    @Test
    fun `pictures that were cut or damaged are refused or still say the same`(): Unit = runBlocking {
        val picture = invited()
        for (format in listOf("png", "jpeg")) {
            val whole = file(picture, format)
            val random = Random(2)
            val bad = List(8) { whole.copyOf(whole.size * it / 8) } +
                List(8) { whole.copyOf().also { bytes -> bytes[random.nextInt(bytes.size)] = random.nextInt().toByte() } }
            bad.forEachIndexed { index, bytes ->
                val read = runCatching { Invitation.fromQrImage(bytes).preview.host }
                val error = read.exceptionOrNull()
                val isRefused = error is CardeaException.InvitationRejected && error.code in listOf(111, 115)
                assertTrue(isRefused || read.getOrNull() == "127.0.0.1", "$format $index: $read")
            }
        }
    }

    @Test
    fun `a header that claims more points than anybody has is refused at once`(): Unit = runBlocking {
        val bytes = file(invited(), "png")
        // Signature, length and name are before the header's own bytes, their checksum is behind them.
        ByteBuffer.wrap(bytes).putInt(16, 60_000).putInt(20, 60_000)
        val sum = CRC32().also { it.update(bytes, 12, 17) }
        ByteBuffer.wrap(bytes).putInt(29, sum.value.toInt())
        refused(bytes, "60,000 by 60,000 points")
    }

    @Test
    fun `two codes in one picture are a question, not an invitation`(): Unit = runBlocking {
        val (left, right) = invited() to invited()
        val both = BufferedImage(left.width + right.width, left.height, BufferedImage.TYPE_INT_RGB)
        for (y in 0 until left.height) {
            for (x in 0 until left.width) both.setRGB(x, y, left.getRGB(x, y))
            for (x in 0 until right.width) both.setRGB(left.width + x, y, right.getRGB(x, y))
        }
        refused(file(both, "png"), "two codes")
    }

    @Test
    fun `reading a picture may be given up`(): Unit = runBlocking {
        val reading = async(Dispatchers.Default) { Invitation.fromQrImage(file(invited(), "png")) }
        reading.cancelAndJoin()
        assertTrue(reading.isCancelled || reading.isCompleted)
    }
}
