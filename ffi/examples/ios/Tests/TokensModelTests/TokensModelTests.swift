import Cardea
import Foundation
import XCTest

@testable import TokensModel

#if canImport(Glibc)
import Glibc
#endif

/// The whole app but its pixels, with a real server.
@MainActor
final class TokensModelTests: XCTestCase {
    private var time = 0.0

    private func model(_ server: Server) -> TokensModel {
        let folder = server.folder.appendingPathComponent("tokens").path
        return TokensModel(now: { [unowned self] in time }) {
            try await Wallet.open(
                WalletOptions(folder: folder, allowTestArgon2: true, recoverInBackground: false, transport: .tcp))
        }
    }

    private func link(_ server: Server) throws -> String {
        try XCTUnwrap(server.call("enroll", "joe")["link"] as? String)
    }

    private func accept(_ model: TokensModel, _ first: String = "274951", _ second: String = "274951") async {
        var pins = (Array(first.utf8), Array(second.utf8))
        await model.accept(&pins.0, repeated: &pins.1)
        XCTAssertEqual(pins.0 + pins.1, [], "what was typed is wiped")
    }

    private func enrolled(_ server: Server) async throws -> TokensModel {
        let model = model(server)
        await model.start()
        await model.invite(try link(server))
        await accept(model)
        return model
    }

    private func open(_ model: TokensModel, _ pin: String = "274951") async {
        var digits = Array(pin.utf8)
        await model.open(model.screen.tokens[0].id, pin: &digits)
        XCTAssertEqual(digits, [])
    }

    func testATokenIsEnrolledByLinkAfterItsServerWasShown() async throws {
        let server = try Server()
        let model = model(server)
        XCTAssertTrue(model.screen.loading)
        await model.start()
        XCTAssertEqual(model.screen, TokensModel.Screen(loading: false))
        await model.invite(try link(server))
        XCTAssertEqual(model.screen.invited, "127.0.0.1")
        model.decline()
        XCTAssertNil(model.screen.invited)
        await model.invite(try link(server))
        await accept(model)
        XCTAssertEqual(model.screen.tokens.map(\.state), [.closed])
        XCTAssertNil(model.screen.invited)
        XCTAssertEqual(try server.check("joe"), 2)
    }

    func testTwoDifferentPinsAndALinkThatIsNoneSaySoAndChangeNothing() async throws {
        let server = try Server()
        let model = model(server)
        await model.start()
        await model.invite("https://id.example/")
        XCTAssertNotNil(model.screen.message)
        await model.invite(try link(server))
        await accept(model, "274951", "519384")
        XCTAssertEqual(model.screen.message, "These were two different PINs.")
        XCTAssertEqual(try server.check("joe"), 0)
        model.read()
        XCTAssertNil(model.screen.message)
        await accept(model)
        XCTAssertEqual(try server.check("joe"), 2)
    }

    func testAnOpeningIsCountedDownAndEndsOnTheScreenWhenItEnds() async throws {
        let server = try Server()
        defer { server.stop() }
        let model = try await enrolled(server)
        await open(model)
        XCTAssertEqual(model.screen.tokens[0].state, .open)
        XCTAssertEqual(model.screen.tokens[0].remaining, 60)
        time += 58.2
        model.tick()
        XCTAssertEqual(model.screen.tokens[0].remaining, 2)
        await open(model)
        XCTAssertEqual(model.screen.tokens[0].remaining, 60)
        time += 60
        model.tick()
        XCTAssertEqual(model.screen.tokens[0].state, .closed)
        XCTAssertNil(model.screen.tokens[0].remaining)
    }

    func testClosingClosesHereAndAtTheServer() async throws {
        let server = try Server()
        let model = try await enrolled(server)
        await open(model)
        XCTAssertEqual(try server.check("joe"), 1)
        await model.close(model.screen.tokens[0].id)
        XCTAssertEqual(model.screen.tokens[0].state, .closed)
        XCTAssertEqual(try server.check("joe"), 2)
    }

    func testAWrongPinIsToldInWords() async throws {
        let server = try Server()
        defer { server.stop() }
        let model = try await enrolled(server)
        await open(model, "519384")
        XCTAssertEqual(model.screen.message, "the PIN is wrong (tries left: 9)")
        XCTAssertFalse(model.screen.busy)
        XCTAssertEqual(model.screen.tokens[0].state, .closed)
    }

    func testTextsAreShownAndAnswered() async throws {
        let server = try Server()
        let model = try await enrolled(server)
        let id = model.screen.tokens[0].id
        try server.call("confirmation", "joe", #","text":"Pay 4 EUR""#)
        await model.refresh(id)
        XCTAssertEqual(model.screen.tokens[0].texts.map(\.text), ["Pay 4 EUR"])
        var pin = Array("274951".utf8)
        await model.approve(id, model.screen.tokens[0].texts[0], pin: &pin)
        XCTAssertEqual(model.screen.tokens[0].texts, [])
        try server.call("confirmation", "joe", #","text":"Sell the house""#)
        await model.refresh(id)
        await model.deny(id, model.screen.tokens[0].texts[0], because: .notMe)
        XCTAssertEqual(model.screen.tokens[0].texts, [])
        XCTAssertNil(model.screen.message)
    }

    func testTokensAreThereAgainAfterARestartAlsoWithoutAServer() async throws {
        let server = try Server()
        _ = try await enrolled(server)
        server.stop()
        let model = model(server)
        await model.start()
        XCTAssertEqual(model.screen.tokens.map(\.state), [nil])
        XCTAssertFalse(model.screen.loading)
        XCTAssertNotNil(model.screen.message, "it says that the server cannot be reached")
    }

    /// Waits until the screen is as wanted; whatever changes it is waited for, and nothing else.
    private func until(_ model: TokensModel, _ holds: @escaping @MainActor (TokensModel.Screen) -> Bool) async {
        let (changes, change) = AsyncStream.makeStream(of: Void.self)
        model.changed = { change.yield() }
        if holds(model.screen) { return }
        for await _ in changes where holds(model.screen) { return }
    }

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

    func testAServerThatIsAwaySaysNothingOfTokensOfAnother() async throws {
        let (away, server) = (try Server(), try Server())
        let first = model(server)
        for place in [away, server] {
            await first.invite(try link(place))
            await accept(first)
        }
        away.stop()
        let model = model(server)
        await model.start()
        XCTAssertEqual(Set(model.screen.tokens.map(\.state)), [nil, .closed])
        XCTAssertNotNil(model.screen.message, "it says that one server cannot be reached")
    }

    func testTheAppIsBusyUntilTheLastThingIsDone() async throws {
        let server = try Server()
        let model = try await enrolled(server)
        let id = model.screen.tokens[0].id
        server.signal(SIGSTOP)
        let slow = Task { await model.refresh(id) }
        await until(model) { $0.busy }
        await model.invite("none")
        XCTAssertTrue(model.screen.busy)
        server.signal(SIGCONT)
        await slow.value
        XCTAssertFalse(model.screen.busy)
    }

    func testTheClockGoesOnAndNeverBack() async {
        let clock = TokensModel.clock()
        let first = clock()
        XCTAssertGreaterThanOrEqual(first, 0)
        XCTAssertGreaterThanOrEqual(clock(), first)
    }
}
