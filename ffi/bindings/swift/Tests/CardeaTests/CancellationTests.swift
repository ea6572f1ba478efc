import Cardea
import Foundation
import XCTest

/// Calls that are given up wherever they wait: at every piece of data that travels between the device and its server.
final class CancellationTests: XCTestCase {
    private var proxy: Proxy!
    private var server: Server!

    override func setUpWithError() throws {
        proxy = try Proxy()
        server = try Server(settings: ["public.channel_port=\(proxy.port)"])
        proxy.upstream = server.channel
    }

    override func tearDown() {
        proxy.end()
        server.stop()
    }

    /// Cancels the call that `begin` makes at every piece where it can be stopped, until it runs through. Says how many there
    /// were; `look` is what is to hold each time.
    private func atEveryPiece(
        _ begin: () async throws -> @Sendable () async throws -> Void, _ look: (Int) async throws -> Void
    ) async throws -> Int {
        for piece in 0..<100 {
            let call = try await begin()
            proxy.stop(at: piece)
            let running = Task { [proxy] in
                defer { proxy!.over() }
                try await call()
            }
            await proxy.settle()
            let stopped = proxy.hasStopped
            running.cancel()
            switch await running.result {
            case .success: XCTAssertFalse(stopped, "it waited for an answer")
            case .failure(let error): XCTAssertTrue(stopped && error is CancellationError, "\(error)")
            }
            proxy.mend()
            try await look(piece)
            if !stopped { return piece }
        }
        throw Broken("there is no end of pieces")
    }

    private func goesOn(_ token: Token, _ name: String) async throws {
        // The next call finds out what became of the one before.
        let status = try await token.status()
        XCTAssertEqual(status.triesLeft, 10, name)
        XCTAssertEqual(try server.check("joe"), status.state == .open ? 1 : 2, name)
    }

    func testEveryOperationMayBeCancelledWhereverItWaitsAndTheTokenGoesOn() async throws {
        let (_, token) = try await server.enrolled()
        let operations: [(String, @Sendable (Token) async throws -> Void)] = [
            ("open", { try await $0.open(.pin("274951")) }),
            ("extend", { try await $0.open(.pin("274951"), seconds: 20) }),
            ("close", { try await $0.close() }),
            ("status", { _ = try await $0.status() }),
            ("changePin", { try await $0.changePin(.pin("274951"), to: NewPins("274951")) }),
            (
                "setDuress",
                {
                    var (pin, duress) = (Array("274951".utf8), [Array("836402".utf8)])
                    try await $0.setDuress(wiping: &pin, duress: &duress)
                }
            ),
            ("confirmations", { _ = try await $0.confirmations() }),
            ("devices", { _ = try await $0.devices() }),
            ("history", { _ = try await $0.history() }),
            ("serviceInfo", { _ = try await $0.serviceInfo() }),
        ]
        for (name, operation) in operations {
            let pieces = try await atEveryPiece({ { try await operation(token) } }, { _ in try await goesOn(token, name) })
            XCTAssertGreaterThanOrEqual(pieces, 2, name)
        }
    }

    func testAnswersToTextsMayBeCancelledWhereverTheyWait() async throws {
        let (_, token) = try await server.enrolled()
        for approves in [true, false] {
            var id = ""
            let pieces = try await atEveryPiece(
                {
                    let asked = try server.call("confirmation", "joe", #","text":"Pay 4 EUR""#)
                    id = try XCTUnwrap(asked["confirmation"] as? String)
                    // Others may still wait from the rounds before.
                    let all = try await token.confirmations()
                    let confirmation = try XCTUnwrap(all.first { $0.id() == id } ?? all.last)
                    return {
                        if approves { try await token.approve(confirmation, .pin("274951")) } else { try await token.deny(confirmation) }
                    }
                },
                { _ in
                    try await goesOn(token, "approves: \(approves)")
                    let state = try XCTUnwrap(server.look("confirmation", "confirmation=\(id)")["state"] as? String)
                    XCTAssertTrue(["pending", approves ? "approved" : "denied"].contains(state), state)
                    // So that not more wait than may.
                    if state == "pending" { try server.call("confirmation/cancel", nil, #","confirmation":"\#(id)""#) }
                })
            XCTAssertGreaterThanOrEqual(pieces, 2)
        }
    }

    func testAnEnrollmentThatIsCancelledAnywhereLeavesNothingOrATokenThatWorks() async throws {
        var (wallet, user, counter) = (try await Wallet.open(.tests()), "", 0)
        let pieces = try await atEveryPiece(
            {
                counter += 1
                user = "user \(counter)"
                wallet = try await Wallet.open(.tests())
                let (place, link) = (wallet, try server.link(user))
                return { _ = try await place.enroll(link, NewPins("274951")) }
            },
            { piece in
                XCTAssertNotEqual(try server.check(user), 1)
                guard let token = try await wallet.tokens().first else { return }
                // One that the server has never heard of is refused, and opens nothing.
                let code = try await number { try await token.open(.pin("274951")) }
                XCTAssertEqual(try server.check(user) == 1, code == nil, "\(piece): \(String(describing: code))")
            })
        XCTAssertGreaterThanOrEqual(pieces, 2)
    }

    func testATokenThatIsGivenUpAndTheCallCancelledAnywhereIsGoneOrWorks() async throws {
        var (wallet, user, counter) = (try await Wallet.open(.tests()), "", 0)
        let pieces = try await atEveryPiece(
            {
                counter += 1
                user = "user \(counter)"
                let (made, token) = try await server.enrolled(user)
                wallet = made
                return { try await token.unenroll(.pin("274951")) }
            },
            { piece in
                guard let token = try await wallet.tokens().first else {
                    return XCTAssertEqual(try server.check(user), 0, "\(piece)")
                }
                let state = try await token.status().state
                XCTAssertEqual(try server.check(user), state == .notEnrolled ? 0 : 2, "\(piece)")
            })
        XCTAssertGreaterThanOrEqual(pieces, 2)
    }

    func testAPinThatACancelledCallWasGivenIsWiped() async throws {
        let (_, token) = try await server.enrolled()
        proxy.stop(at: 0)
        let running = Task { [proxy] in
            defer { proxy!.over() }
            var (pin, duress) = (Array("274951".utf8), [Array("836402".utf8)])
            _ = try? await token.setDuress(wiping: &pin, duress: &duress)
            return pin + duress.flatMap { $0 }
        }
        await proxy.settle()
        running.cancel()
        let left = await running.value
        XCTAssertEqual(left, [])
        proxy.mend()
    }

    func testWaitingForAnEventMayBeCancelledAndNoneIsLost() async throws {
        let (wallet, token) = try await server.enrolled()
        for _ in 0..<20 {
            let waiting = Task {
                for await _ in wallet.happenings { return true }
                return false
            }
            waiting.cancel()
            let heard = await waiting.value
            XCTAssertFalse(heard)
        }
        var events = wallet.happenings.makeAsyncIterator()
        try await token.close()
        let next = await events.next()
        XCTAssertEqual(next?.kind, .closed)
    }
}
