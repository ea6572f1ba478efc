import Cardea
import Foundation
import XCTest

@testable import TokensModel

/// An app that is looked at and away again, whose wallet or servers are not always there.
final class LookingTests: ModelTestCase {
    func testWhatHappensElsewhereIsSeenWhileTheAppIsLookedAt() async throws {
        let server = try Server()
        let model = try await enrolled(server)
        await model.look()
        await open(model)
        try server.call("confirmation", "joe", #","text":"Pay 4 EUR""#)
        await until(model) { $0.tokens[0].texts.map(\.text) == ["Pay 4 EUR"] }
        try server.call("close", "joe")
        await until(model) { $0.tokens[0].state == .closed }
        try server.call("delete", "joe")
        await until(model) { $0.tokens[0].state == .notEnrolled }
        await model.remove(model.screen.tokens[0].id)
        XCTAssertEqual(model.screen.tokens, [])
        await model.away()
        XCTAssertNil(model.screen.message)
    }

    func testAnAppThatComesBackAsksHowItsTokensStand() async throws {
        let server = try Server()
        let model = try await enrolled(server)
        await open(model)
        await model.look()
        await model.away()
        try server.call("close", "joe")
        XCTAssertEqual(model.screen.tokens[0].state, .open)
        await model.look()
        XCTAssertEqual(model.screen.tokens[0].state, .closed)
        await model.away()
    }

    func testATokenThatIsOpenedOnAnotherDeviceIsSeen() async throws {
        let server = try Server()
        try server.call("service/update", nil, #","devices":2"#)
        let model = try await enrolled(server)
        let other = try await Self.wallet(in: server.folder, "tablet")
        let invitation = try Invitation.fromText(text: link(server, #","addDevice":true"#))
        let token = try await other.enroll(invitation, NewPins("605172")).token
        await model.look()
        XCTAssertEqual(model.screen.tokens[0].state, .closed)
        try await token.open(.pin("605172"))
        await until(model) { $0.tokens[0].state == .open && $0.tokens[0].remaining == 60 }
        try await token.close()
        await until(model) { $0.tokens[0].state == .closed }
        await model.away()
    }

    func testAServerThatIsAwayIsSeenAndThatItIsBack() async throws {
        let server = try Server()
        let model = try await enrolled(server)
        await model.look()
        server.stop()
        await until(model) { $0.tokens[0].offline }
        XCTAssertEqual(model.screen.tokens[0].state, .closed, "as it was last heard")
        XCTAssertNil(model.screen.message, "nobody has asked")
        try server.start()
        await model.look()
        await until(model) { !$0.tokens[0].offline }
        await model.away()
    }

    func testEveryEventThatMayHaveChangedSomethingIsAskedAbout() async throws {
        let server = try Server()
        let model = try await enrolled(server)
        let id = model.screen.tokens[0].id
        await model.look()
        for kind in [EventKind.opened, .online, .confirmationAsked, .confirmationAnswered, .missed] {
            model.settle(id, nil)
            model.heard(Event(kind: kind, token: kind == .missed ? nil : id, remainingSeconds: nil, count: 1))
            await until(model) { $0.tokens[0].state == .closed }
        }
        model.heard(Event(kind: .revoked, token: id, remainingSeconds: nil, count: nil))
        XCTAssertEqual(model.screen.tokens[0].state, .notEnrolled)
        await model.away()
    }

    func testWhatNobodyKnowsIsNotShownAsClosed() async throws {
        let server = try Server()
        let model = try await enrolled(server)
        let id = model.screen.tokens[0].id
        let said = await model.attempt(id) { throw CardeaError.NotConfirmed(code: 101, reason: "no answer") }
        XCTAssertEqual(said, "no answer")
        XCTAssertEqual(model.screen.tokens.map(\.state), [nil])
        await model.refresh(id)
        XCTAssertEqual(model.screen.tokens[0].state, .closed)
        for (error, state) in [
            (CardeaError.Blocked(code: 3, reason: "blocked", waitSeconds: nil), State.blocked),
            (.NotEnrolled(code: 4, reason: "gone"), .notEnrolled),
        ] {
            _ = await model.attempt(id) { throw error }
            XCTAssertEqual(model.screen.tokens[0].state, state)
        }
        _ = await model.attempt(id) { throw CardeaError.Wait(code: 2, reason: "", triesLeft: 3, waitSeconds: 9) }
        XCTAssertEqual(model.screen.tokens[0].triesLeft, 3)
        let cancelled = await model.attempt(id) { throw CardeaError.Cancelled(code: 106, reason: "cancelled") }
        XCTAssertNil(cancelled)
    }

    /// What opening a wallet meets: nothing, or this.
    private final class Hindrance: @unchecked Sendable { var error: (any Error)? }

    func testAWalletThatCannotBeOpenedAtFirstSaysSoAndItsTokensAreThereLater() async throws {
        let server = try Server()
        let folder = server.folder
        _ = try await enrolled(server)
        for error in [CocoaError(.fileWriteOutOfSpace), CardeaError.Storage(code: 142, reason: "locked")] as [any Error] {
            let hindrance = Hindrance()
            hindrance.error = error
            let model = TokensModel {
                if let error = hindrance.error { throw error }
                return try await Self.wallet(in: folder)
            }
            await model.start()
            XCTAssertNotNil(model.screen.message, "\(error)")
            XCTAssertTrue(model.screen.locked && !model.screen.loading && !model.screen.busy)
            hindrance.error = nil
            await model.look()
            XCTAssertEqual(model.screen.tokens.map(\.state), [.closed])
            XCTAssertFalse(model.screen.locked)
            XCTAssertNil(model.screen.message)
            await model.away()
        }
    }

    func testAHolderWhoLooksAwayWhileTheWalletIsOpenedLeavesNoSessionAndAsksNobody() async throws {
        let server = try Server()
        let folder = server.folder
        _ = try await enrolled(server)
        let (gate, go) = AsyncStream.makeStream(of: Void.self)
        let model = TokensModel {
            for await _ in gate { break }
            return try await Self.wallet(in: folder)
        }
        let looking = Task { await model.look() }
        await until(model) { $0.busy }
        await model.away()
        go.yield()
        await looking.value
        XCTAssertNil(model.live)
        XCTAssertEqual(model.screen.tokens.map(\.state), [nil])
        await model.look()
        XCTAssertNotNil(model.live)
        XCTAssertEqual(model.screen.tokens.map(\.state), [.closed])
        await model.away()
        XCTAssertNil(model.live)
    }
}
