import Cardea
import Foundation
import XCTest

#if canImport(Glibc)
import Glibc
#endif

/// What is Swift's own: tasks, sequences and errors.
final class CallTests: XCTestCase {
    func testNothingBeginsInATaskThatWasCancelledBefore() async throws {
        let server = try Server()
        let (_, token) = try await server.enrolled()
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
        let (_, token) = try await server.enrolled()
        server.signal(SIGSTOP)
        do {
            _ = try await within(seconds: 0.2) { try await token.status() }
            XCTFail("nobody can have answered")
        } catch is TimedOut {}
        server.signal(SIGCONT)
        let status = try await token.status()
        XCTAssertEqual(status.state, .closed)
    }

    func testATimeLimitOfAnyLengthIsOne() async throws {
        let server = try Server()
        let (_, token) = try await server.enrolled()
        for seconds: Double in [2e10, 1e300, .infinity] {
            let status = try await within(seconds: seconds) { try await token.status() }
            XCTAssertEqual(status.state, .closed, "\(seconds)")
        }
        for seconds: Double in [0, -1, -.infinity, .nan] {
            do {
                try await within(seconds: seconds) { XCTFail("it began after \(seconds) seconds were over") }
                XCTFail("\(seconds) seconds are not over")
            } catch is TimedOut {}
        }
    }

    func testALoopOverEventsEndsWithItsTask() async throws {
        let server = try Server()
        let (wallet, token) = try await server.enrolled()
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
        let (_, token) = try await server.enrolled()
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

    func testCallsFromManyTasksAreAnsweredEach() async throws {
        let server = try Server()
        let (wallet, token) = try await server.enrolled(transport: .automatic)
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
