import Cardea
import Foundation
import XCTest

/// What was typed stays nowhere that Swift can reach.
final class WipingTests: XCTestCase {
    func testPinsAreWipedWhereTheyWere() throws {
        var digits = Array("274951".utf8)
        _ = Approval.pin(wiping: &digits)
        XCTAssertEqual(digits, [])
        digits = Array("274951".utf8)
        _ = ApprovalAnswer.pin(wiping: &digits)
        XCTAssertEqual(digits, [])
        var (normal, duress) = (Array("274951".utf8), [Array("836402".utf8)])
        _ = NewPins.wiping(&normal, duress: &duress)
        XCTAssertEqual(normal, [])
        XCTAssertEqual(duress, [])
    }

    func testWhatWasMadeOfBytesIsWipedWithItsLastCopyAndNotBefore() {
        for text in ["", "2", "274951", "274951836402", String(repeating: "27495183", count: 40)] {
            let left = Box<[UInt8]>()
            var bytes = Array(text.utf8)
            var first: Data? = Data(wiping: &bytes) { left.value = Array($0) }
            XCTAssertEqual(bytes, [])
            let approval = first.map { Approval.pin(digits: $0) }
            first = nil
            XCTAssertNil(left.value, "it is still wanted")
            guard case .pin(let digits)? = approval else { return XCTFail("it is a PIN") }
            XCTAssertEqual(Array(digits), Array(text.utf8))
            XCTAssertEqual(digits, Data(text.utf8))
        }
    }

    func testACallThatFailsOrIsCancelledLeavesNothingOfItsPin() async throws {
        let server = try Server()
        let (_, token) = try await server.enrolled()
        for cancelled in [false, true] {
            let left = Box<[UInt8]>()
            let call = Task {
                if cancelled { while !Task.isCancelled { await Task.yield() } }
                var digits = Array("519384".utf8)
                try await token.open(.pin(digits: Data(wiping: &digits) { left.value = Array($0) }))
            }
            if cancelled { call.cancel() }
            guard case .failure = await call.result else { return XCTFail("that is not the PIN") }
            let wiped = try XCTUnwrap(left.value, "it was not wiped")
            XCTAssertTrue(wiped.count >= 6 && wiped.allSatisfy { $0 == 0 }, "\(wiped)")
        }
    }

    /// Whether all copies of these bytes are one place in memory, as they must be to be wiped: a short `Data` is not.
    private func isOnePlace(_ bytes: Data) -> Bool {
        let copy = bytes
        return bytes.withUnsafeBytes { first in copy.withUnsafeBytes { $0.baseAddress == first.baseAddress } }
    }

    func testPinsAreInOnePlaceHoweverOftenTheyAreHandedOn() throws {
        XCTAssertFalse(isOnePlace(Data("274951".utf8)), "else this test says nothing")
        var digits = Array("274951".utf8)
        guard case .pin(let approving) = Approval.pin(wiping: &digits) else { return XCTFail("it is a PIN") }
        digits = Array("274951".utf8)
        guard case .pin(let answering) = ApprovalAnswer.pin(wiping: &digits) else { return XCTFail("it is a PIN") }
        var (normal, duress) = (Array("274951".utf8), [Array("836402".utf8)])
        let pins = NewPins.wiping(&normal, duress: &duress)
        for (index, bytes) in ([approving, answering, pins.normal] + pins.duress).enumerated() {
            XCTAssertTrue(isOnePlace(bytes), "\(index)")
        }
        XCTAssertEqual(pins.duress, [Data("836402".utf8)])
    }
}
