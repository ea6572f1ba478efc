package dev.cardea

import dev.cardea.ffi.Deed as LowDeed
import dev.cardea.ffi.ReceiptExpectation as LowExpectation
import dev.cardea.ffi.VerifiedReceipt as LowVerified
import dev.cardea.ffi.verifyReceipt as lowVerifyReceipt

/** What a receipt is to prove. Whatever is not given is not looked at: say as much as is known. */
public class ReceiptExpectation(
    /** What was done. */
    public val deed: Deed? = null,
    /** The text that was approved or denied, to the byte, with whoever asked before it. */
    public val text: String? = null,
    /** The 32 bytes of the key that the device is known to sign with. */
    public val publicKey: ByteArray? = null,
    /** The confirmation that was answered: sixteen hexadecimal digits. */
    public val confirmation: String? = null,
    /** The token: 32 hexadecimal digits. */
    public val token: String? = null,
    /** The device: eight hexadecimal digits. */
    public val device: String? = null,
    /** The first second, by the device's clock and in Unix seconds, in which it may have been signed. */
    public val notBefore: Long? = null,
    /** The last one. */
    public val notAfter: Long? = null,
)

/** What a receipt proves. */
public class VerifiedReceipt internal constructor(
    /** What was done. */
    public val deed: Deed,
    /** When, in Unix seconds by the device's clock. */
    public val at: Long,
    /** The token: 32 hexadecimal digits. */
    public val token: String,
    /** The device that signed: eight hexadecimal digits. */
    public val device: String,
    /** The confirmation that was answered: sixteen hexadecimal digits. */
    public val confirmation: String?,
    /** The 32 bytes of the key that it verifies under: keep them, to expect them of the next receipt of this device. */
    public val publicKey: ByteArray,
) {
    override fun toString(): String = "VerifiedReceipt(deed=$deed, at=$at, token=$token, device=$device, confirmation=$confirmation)"
}

/**
 * Checks a receipt: [json] is one alone, an item of a token's history, or the answer about a confirmation, as the API gives
 * them. Asks nobody.
 *
 * It proves that whoever holds the key signed, not whose key it is, nor when by any other clock than the device's, nor that it
 * counted: what the server says about that stands beside the receipt and is heeded, but nobody signed it.
 *
 * @throws CardeaException.RelyingParty with code 169: it does not prove what is [expected]; with code 161: what is expected
 *   can be in no receipt.
 */
public fun verifyReceipt(json: String, expected: ReceiptExpectation): VerifiedReceipt = immediately {
    lowVerifyReceipt(json.whole(), expected.lower()).lift()
}

private fun ReceiptExpectation.lower(): LowExpectation = LowExpectation(
    deed = deed?.let { LowDeed.valueOf(it.name) },
    text = text?.whole(),
    publicKey = publicKey,
    confirmation = confirmation?.whole(),
    token = token?.whole(),
    device = device?.whole(),
    // Before 1970 is as good as not given for the first second, and never for the last one.
    notBefore = notBefore?.coerceAtLeast(0)?.toULong(),
    notAfter = notAfter?.coerceAtLeast(0)?.toULong(),
)

private fun LowVerified.lift(): VerifiedReceipt =
    VerifiedReceipt(Deed.valueOf(deed.name), at.toLong(), token, device, confirmation, publicKey)
