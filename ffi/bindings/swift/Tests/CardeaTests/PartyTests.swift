import CardeaFull
import Foundation
import XCTest

/// Relying parties, receipts, and links and pictures that are none.
final class PartyTests: XCTestCase {
    private func party(_ server: Server, key: String? = nil) throws -> RelyingParty {
        try RelyingParty(
            baseUrl: "http://\(server.http)", service: server.service, authkey: key ?? server.adminKey)
    }

    func testADoorIsShutWhateverGoesWrong() async throws {
        let server = try Server()
        let (_, token) = try await server.enrolled()
        try await token.open(.pin("274951"))
        let party = try party(server)
        for user in ["joe", "ann"] {
            let (isOpen, gate) = (await party.isOpen(user), await party.gate(user))
            XCTAssertEqual([isOpen, gate], user == "joe" ? [true, true] : [false, false], user)
        }
        let cancelled = Task {
            while !Task.isCancelled { await Task.yield() }
            return [await party.isOpen("joe"), await party.gate("joe")]
        }
        cancelled.cancel()
        let refused = await cancelled.value
        XCTAssertEqual(refused, [false, false])
        server.stop()
        let (isOpen, gate) = (await party.isOpen("joe"), await party.gate("joe"))
        XCTAssertEqual([isOpen, gate], [false, false])
        let code = try await number { _ = try await party.status("joe") }
        XCTAssertNotNil(code)
    }

    func testACallThatWaitsForAServerEndsWithItsTask() async throws {
        let server = try Server()
        let (_, token) = try await server.enrolled()
        let party = try party(server)
        let asked = try await party.confirm("joe", "Pay 4 EUR")
        server.signal(SIGSTOP)
        defer { server.signal(SIGCONT) }
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try await party.status("joe") },
            { _ = try await party.confirm("joe", "Pay 5 EUR") },
            { _ = try await party.confirmation(asked.id) },
            { _ = try await party.awaitConfirmation(asked.id) },
            { _ = try await party.withdraw(asked.id) },
        ]
        for (index, call) in calls.enumerated() {
            let running = Task { try await call() }
            await Task.yield()
            running.cancel()
            guard case .failure(let error) = await running.result else { return XCTFail("nobody can have answered") }
            XCTAssertTrue(error is CancellationError, "\(index): \(error)")
        }
        server.signal(SIGCONT)
        // What was given up may have been sent before, and be done now: the first text may be withdrawn.
        _ = try await party.confirm("joe", "Pay 6 EUR")
        let texts = try await token.confirmations().map { $0.text() }
        XCTAssertTrue(texts.contains("Pay 6 EUR"), "\(texts)")
    }

    func testEventsOfAServiceAreHeardInALoopThatEndsWithItsTask() async throws {
        let server = try Server()
        let (_, token) = try await server.enrolled()
        let party = try party(server)
        let (heard, hears) = AsyncStream.makeStream(of: String.self)
        let loop = Task {
            for try await event in party.happenings(after: 0, kinds: ["token.opened"]) {
                hears.yield("\(event.kind) \(event.user ?? "")")
            }
            hears.finish()
        }
        try await token.open(.pin("274951"))
        var lines = heard.makeAsyncIterator()
        let first = await lines.next()
        XCTAssertEqual(first, "token.opened joe")
        loop.cancel()
        while await lines.next() != nil {}
        try await loop.value
    }

    func testALoopOverEventsThrowsWhatCannotPass() async throws {
        let server = try Server()
        let wrong = server.adminKey.dropLast() + (server.adminKey.hasSuffix("A") ? "B" : "A")
        let code = try await number {
            for try await _ in try party(server, key: String(wrong)).happenings() { return XCTFail("nobody may hear that") }
        }
        XCTAssertNotNil(code)
    }

    func testAReceiptProvesWhatWasSignedAndNothingElse() async throws {
        let server = try Server()
        let (_, token) = try await server.enrolled()
        let party = try party(server)
        let asked = try await party.confirm("joe", "Pay 4 EUR")
        let texts = try await token.confirmations()
        try await token.approve(texts[0], .pin("274951"))
        let answered = try await party.awaitConfirmation(asked.id)
        XCTAssertEqual(answered.answer, .approved)
        let json = try JSONSerialization.data(withJSONObject: server.look("confirmation", "confirmation=\(asked.id)"))
        let proved = try VerifiedReceipt(
            verifying: json, expecting: ReceiptExpectation(deed: .approved, text: texts[0].text(), confirmation: asked.id))
        XCTAssertEqual(proved.deed, .approved)
        XCTAssertEqual(proved.confirmation, asked.id)
        XCTAssertEqual(proved.publicKey.count, 32)
        let others: [ReceiptExpectation] = [
            ReceiptExpectation(deed: .denied), ReceiptExpectation(text: "Pay 5 EUR"),
            ReceiptExpectation(publicKey: Data(count: 32)), ReceiptExpectation(confirmation: "0000000000000000"),
            ReceiptExpectation(token: String(repeating: "0", count: 32)), ReceiptExpectation(device: "00000000"),
            ReceiptExpectation(notAfter: 1),
        ]
        for other in others {
            let code = try await number { _ = try VerifiedReceipt(verifying: json, expecting: other) }
            XCTAssertEqual(code, 169, "\(other)")
        }
        for broken in [Data(), Data("{}".utf8), Data([0xff, 0xfe]), json.dropLast(), Data(String(decoding: json, as: UTF8.self).utf8.reversed())] {
            let code = try await number { _ = try VerifiedReceipt(verifying: Data(broken)) }
            XCTAssertEqual(code, 169)
        }
        let never = try await number { _ = try VerifiedReceipt(verifying: json, expecting: ReceiptExpectation(publicKey: Data(count: 31))) }
        XCTAssertEqual(never, 161)
    }

    func testLinksCodesAndPicturesThatAreNoneAreRefused() async throws {
        let server = try Server()
        let link = try XCTUnwrap(server.call("enroll", "joe")["link"] as? String)
        XCTAssertNoThrow(try Invitation.fromText(text: link))
        let texts = [
            "", " ", "\0", "https://", "cardea:", String(link.dropLast()), String(link.dropFirst()), link + link, link + "\u{301}",
            link.uppercased(), String(link.reversed()), "http" + link.dropFirst(5), String(repeating: "🔑", count: 100_000),
        ]
        for text in texts {
            XCTAssertThrowsError(try Invitation.fromText(text: text), text) { XCTAssertEqual(($0 as? CardeaError)?.code, 111, text) }
        }
        for code in ["", "AB", "\0", "🔑", String(repeating: "A", count: 100_000)] {
            let number = try await number { _ = try await Invitation.code(code, server: server.http) }
            XCTAssertEqual(number, 112, code)
        }
        let png = Data([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
        for picture in [Data(), Data([0]), png, Data(link.utf8), Data(repeating: 0xff, count: 1_000_000)] {
            let number = try await number { _ = try await Invitation.picture(picture) }
            XCTAssertEqual(number, 115, "\(picture.prefix(8).map { $0 })")
        }
    }

    func testWrongPinsBlockAtTheLimitAndSayWhatIsLeft() async throws {
        let server = try Server()
        try server.call("service/update", nil, #","attempts":3"#)
        let (_, token) = try await server.enrolled()
        for left in [2, 1] {
            do {
                try await token.open(.pin("519384"))
                XCTFail("that is not the PIN")
            } catch CardeaError.PinRejected(_, _, let triesLeft) {
                XCTAssertEqual(Int(triesLeft), left)
            }
        }
        let last = try await number { try await token.open(.pin("519384")) }
        XCTAssertEqual(last, 1)
        let blocked = try await number { try await token.open(.pin("274951")) }
        XCTAssertEqual(blocked, 3)
        XCTAssertEqual(try server.check("joe"), 4)
        let party = try party(server)
        let isOpen = await party.isOpen("joe")
        XCTAssertFalse(isOpen)
        try server.call("unblock", "joe")
        let status = try await token.open(.pin("274951"))
        XCTAssertEqual(status.state, .open)
    }
}
