import Cardea
import Foundation

extension VerifiedReceipt {
    /// Checks a receipt: alone, in an item of a token's history, or in the answer about a confirmation, as a server gives
    /// them. Asks nobody, and needs nothing but the receipt.
    ///
    /// It proves that whoever holds the key signed. It does not prove whose key that is, nor when by any other clock than the
    /// device's, nor that it counted: expect the `publicKey` of an earlier receipt of the same device. A receipt is as secret
    /// as the PIN to whoever has the device's storage: do not publish it.
    ///
    /// - Parameters:
    ///   - json: the receipt in JSON, as UTF-8.
    ///   - expected: what it is to prove. What is left out is not looked at: say as much as is known.
    /// - Throws: `CardeaError.RelyingParty` with code 169 (it does not prove that) or 161 (no receipt can).
    public init(verifying json: Data, expecting expected: ReceiptExpectation = ReceiptExpectation()) throws {
        // Bytes that are no UTF-8 become characters that no receipt has.
        try self.init(verifying: String(decoding: json, as: UTF8.self), expecting: expected)
    }

    /// The same of a text.
    public init(verifying json: String, expecting expected: ReceiptExpectation = ReceiptExpectation()) throws {
        self = try verifyReceipt(json: json, expected: expected)
    }
}
