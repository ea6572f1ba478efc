import Cardea
import Foundation
import XCTest

#if canImport(Glibc)
import Glibc
#endif

/// What is Swift's own: tasks, sequences, errors, and wiping.
final class CallTests: XCTestCase {
    private func enrolled(_ server: Server, transport: Transport = .tcp) async throws -> (Wallet, Token) {
        let folder = server.folder.appendingPathComponent("own").path
        let wallet = try await Wallet.open(
            WalletOptions(folder: folder, allowTestArgon2: true, recoverInBackground: false, transport: transport))
        let link = try server.call("enroll", "joe")["link"] as? String ?? ""
        let made = try await wallet.enroll(Invitation.fromText(text: link), NewPins("274951"))
        return (wallet, made.token)
    }

    func testACallThatIsCancelledAnywhereLeavesATokenThatWorks() async throws {
        let server = try Server()
        let (_, token) = try await enrolled(server)
        // Each round is cancelled a little later than the one before.
        for round in 0..<40 {
            let call = Task { try await token.open(.pin("274951")) }
            try await Task.sleep(nanoseconds: UInt64(round) * 250_000)
            call.cancel()
            do {
                let status = try await call.value
                XCTAssertEqual(status.state, .open)
            } catch is CancellationError {
                // What was sent is found out by the next call.
            }
        }
        let status = try await token.open(.pin("274951"))
        XCTAssertEqual(status.state, .open)
        XCTAssertEqual(try server.check("joe"), 1)
        let closed = try await token.close()
        XCTAssertEqual(closed.state, .closed)
        XCTAssertEqual(try server.check("joe"), 2)
    }

    func testNothingBeginsInATaskThatWasCancelledBefore() async throws {
        let server = try Server()
        let (_, token) = try await enrolled(server)
        let call = Task {
            while !Task.isCancelled { await Task.yield() }
            _ = try await token.open(.pin("274951"))
        }
        call.cancel()
        do {
            try await call.value
            XCTFail("it was cancelled")
        } catch is CancellationError {}
        XCTAssertEqual(try server.check("joe"), 2)
    }

    func testATimeLimitEndsACallWhoseServerDoesNotAnswer() async throws {
        let server = try Server()
        let (_, token) = try await enrolled(server)
        server.signal(SIGSTOP)
        do {
            _ = try await within(seconds: 0.2) { try await token.status() }
            XCTFail("nobody can have answered")
        } catch is TimedOut {}
        server.signal(SIGCONT)
        let status = try await token.status()
        XCTAssertEqual(status.state, .closed)
    }

    func testALoopOverEventsEndsWithItsTask() async throws {
        let server = try Server()
        let (wallet, token) = try await enrolled(server)
        let (heard, hears) = AsyncStream.makeStream(of: EventKind.self)
        let loop = Task {
            hears.yield(.other)
            for await event in wallet.happenings { hears.yield(event.kind) }
            hears.finish()
        }
        var kinds = heard.makeAsyncIterator()
        _ = await kinds.next()
        // The loop listens from a moment that only it knows: ask until it hears.
        let asking = Task {
            while !Task.isCancelled { _ = try await token.open(.pin("274951")) }
        }
        let first = await kinds.next()
        XCTAssertEqual(first, .opened)
        asking.cancel()
        _ = await asking.result
        loop.cancel()
        while await kinds.next() != nil {}
        await loop.value
    }

    func testErrorsAreForPeopleAndHaveANumber() async throws {
        let server = try Server()
        let (_, token) = try await enrolled(server)
        do {
            _ = try await token.open(.pin("519384"))
            XCTFail("that is not the PIN")
        } catch let error as CardeaError {
            XCTAssertEqual(error.code, 1)
            guard case .PinRejected(_, _, let triesLeft) = error else { return XCTFail("\(error)") }
            XCTAssertEqual(triesLeft, 9)
            for text in [error.localizedDescription, "\(error)", String(reflecting: error)] {
                XCTAssertTrue(text.contains("PIN is wrong") && text.contains("(code 1)"), text)
                XCTAssertFalse(text.contains("519384"), text)
            }
        }
    }

    func testPinsAreWipedWhereTheyWere() throws {
        var digits = Array("274951".utf8)
        _ = Approval.pin(wiping: &digits)
        XCTAssertEqual(digits, [])
        var (normal, duress) = (Array("274951".utf8), [Array("836402".utf8)])
        _ = NewPins.wiping(&normal, duress: &duress)
        XCTAssertEqual(normal, [])
        XCTAssertEqual(duress, [])
    }

    func testCallsFromManyTasksAreAnsweredEach() async throws {
        let server = try Server()
        let (wallet, token) = try await enrolled(server, transport: .automatic)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let status = try await token.status()
                    XCTAssertEqual(status.state, .closed)
                    let tokens = try await wallet.tokens()
                    XCTAssertEqual(tokens.count, 1)
                }
            }
            try await group.waitForAll()
        }
    }
}
