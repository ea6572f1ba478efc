import Cardea
import Foundation
import XCTest

import TokensModel

#if canImport(Glibc)
import Glibc
#endif

/// The whole app but its pixels, with a real server.
final class TokensModelTests: ModelTestCase {
    func testATokenIsEnrolledByLinkAfterItsServerWasShown() async throws {
        let server = try Server()
        let model = model(server)
        XCTAssertTrue(model.screen.loading)
        await model.start()
        var empty = TokensModel.Screen()
        empty.loading = false
        XCTAssertEqual(model.screen, empty)
        await model.invite(try link(server))
        XCTAssertEqual(model.screen.invited?.host, "127.0.0.1")
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
        XCTAssertEqual(model.screen.tokens[0].triesLeft, 10, "said before the PIN is asked for")
        await open(model, "519384")
        XCTAssertEqual(model.screen.tokens[0].triesLeft, 9)
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

    func testATextThatIsOverLeavesTheScreen() async throws {
        let server = try Server()
        let model = try await enrolled(server)
        let id = model.screen.tokens[0].id
        for approves in [true, false] {
            let asked = try server.call("confirmation", "joe", #","text":"Pay 4 EUR""#)["confirmation"] as? String
            await model.refresh(id)
            let question = try XCTUnwrap(model.screen.tokens[0].texts.first)
            try server.call("confirmation/cancel", nil, #","confirmation":"\#(try XCTUnwrap(asked))""#)
            var pin = Array("274951".utf8)
            if approves { await model.approve(id, question, pin: &pin) } else { await model.deny(id, question) }
            XCTAssertNotNil(model.screen.message)
            XCTAssertEqual(model.screen.tokens[0].texts, [])
        }
    }

    func testAnInvitationThatComesWhileAPinIsTypedIsNotEnrolledInPlaceOfTheOneShown() async throws {
        let (shown, other) = (try Server(), try Server())
        let model = model(shown)
        await model.start()
        await model.invite(try link(shown))
        let invited = try XCTUnwrap(model.screen.invited)
        await model.invite(try link(other))
        XCTAssertEqual(model.screen.invited, invited)
        XCTAssertNotNil(model.screen.message, "it says that another one has come")
        await model.invite("none")
        XCTAssertEqual(model.screen.invited, invited)
        await accept(model)
        XCTAssertEqual(try shown.check("joe"), 2)
        XCTAssertEqual(try other.check("joe"), 0)
        // What was typed for an invitation that is put away is not for the next one.
        await model.invite(try link(shown, #","replaceDevice":true"#))
        let before = try XCTUnwrap(model.screen.invited)
        model.decline()
        await model.invite(try link(other))
        await accept(model, invited: before)
        XCTAssertEqual(try other.check("joe"), 0)
        await accept(model)
        XCTAssertEqual(try other.check("joe"), 2)
    }

    func testDigitsAreComparedAndATokenWhoseDigitsDifferIsGivenUp() async throws {
        let server = try Server()
        try server.call("service/update", nil, #","shortString":"shown""#)
        let model = try await enrolled(server)
        XCTAssertEqual(model.screen.compare?.digits.count, 6)
        let link = try link(server, #","replaceDevice":true"#)
        await model.invite(link)
        XCTAssertNil(model.screen.invited, "the digits are compared first")
        model.same()
        XCTAssertNil(model.screen.compare)
        XCTAssertEqual(model.screen.tokens.count, 1)
        await model.invite(link)
        await accept(model)
        let token = try XCTUnwrap(model.screen.compare?.token)
        model.different()
        XCTAssertEqual(model.screen.compare?.differs, true)
        var pin = Array("519384".utf8)
        await model.giveUp(token, pin: &pin)
        XCTAssertEqual(pin, [])
        XCTAssertNotNil(model.screen.message, "that was not the PIN")
        XCTAssertEqual(model.screen.compare?.token, token)
        pin = Array("274951".utf8)
        await model.giveUp(token, pin: &pin)
        XCTAssertNil(model.screen.compare)
        XCTAssertFalse(model.screen.tokens.contains { $0.id == token })
        XCTAssertEqual(try server.check("joe"), 0)
    }

    func testATokenWhoseDigitsDifferIsRemovedAlsoWithoutItsServer() async throws {
        let server = try Server()
        try server.call("service/update", nil, #","shortString":"shown""#)
        let model = try await enrolled(server)
        model.different()
        server.stop()
        let token = try XCTUnwrap(model.screen.compare?.token)
        await model.remove(token)
        XCTAssertNil(model.screen.compare)
        XCTAssertEqual(model.screen.tokens, [])
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
