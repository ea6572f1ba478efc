import Cardea
import Foundation
import XCTest

/// Holders who are asked by closures.
final class PresenceTests: XCTestCase {
    private struct Loud: Error, CustomStringConvertible { let description = "secret-word" }

    private static func open(_ server: Server, _ presence: AskingPresence) async throws -> (Token, UInt32?) {
        let (_, token) = try await server.enrolled(host: WalletHost(presence: presence))
        let code = try await number { try await token.open(.ask) }
        XCTAssertEqual(try server.check("joe"), code == nil ? 1 : 2)
        return (token, code)
    }

    func testAClosureIsAskedWithWhatItNeedsAndOpens() async throws {
        let server = try Server()
        let seen = Box<PresenceRequest>()
        let (token, code) = try await Self.open(
            server,
            AskingPresence(blocking: {
                seen.value = $0
                return .pin(digits: Data("274951".utf8))
            }))
        XCTAssertNil(code)
        let request = try XCTUnwrap(seen.value)
        XCTAssertEqual(request.purpose, .open)
        XCTAssertEqual(request.token, token.id())
        XCTAssertEqual(request.policy.pinMin, 6)
    }

    func testTheMainActorIsFreeWhileTheHolderIsAskedThere() async throws {
        let server = try Server()
        let asked = Box<Bool>()
        let presence = AskingPresence { @MainActor _ in
            MainActor.assertIsolated()
            asked.value = true
            // As a sheet does, which waits for a person.
            await Task.yield()
            return .pin(digits: Data("274951".utf8))
        }
        let (_, code) = try await Self.open(server, presence)
        XCTAssertNil(code)
        XCTAssertEqual(asked.value, true)
    }

    func testAHolderWhoDoesNotWantToAndAClosureThatThrowsOpenNothing() async throws {
        let answers: [(AskingPresence, UInt32)] = [
            (AskingPresence(blocking: { _ in .cancelled }), 106),
            (AskingPresence(blocking: { _ in throw CancellationError() }), 106),
            (AskingPresence(blocking: { _ in throw Loud() }), 151),
            (AskingPresence(blocking: { _ in throw HostError.Denied }), 151),
            (AskingPresence(blocking: { _ in throw Hosts.enter() }), 151),
            (AskingPresence(blocking: { _ in .pin(digits: Data("abcdef".utf8)) }), 151),
            (AskingPresence(blocking: { _ in .pin(digits: Data()) }), 151),
            (AskingPresence(blocking: { _ in .biometric(key: Data(count: 31)) }), 151),
            (AskingPresence { _ in .cancelled }, 106),
            (AskingPresence { _ in throw Loud() }, 151),
        ]
        for (index, (presence, expected)) in answers.enumerated() {
            let (_, code) = try await Self.open(try Server(), presence)
            XCTAssertEqual(code, expected, "\(index)")
        }
    }

    func testWordsOfAnAppsErrorAreNotRepeated() async throws {
        let server = try Server()
        let (_, token) = try await server.enrolled(host: WalletHost(presence: AskingPresence(blocking: { _ in throw Loud() })))
        do {
            try await token.open(.ask)
            XCTFail("nobody has answered")
        } catch {
            XCTAssertFalse("\(error)".contains("secret-word"), "\(error)")
        }
    }

    func testACallThatIsCancelledWhileTheHolderIsAskedEndsAtOnce() async throws {
        let server = try Server()
        let (asked, answer) = (AsyncStream.makeStream(of: Void.self), DispatchSemaphore(value: 0))
        let presence = AskingPresence(blocking: { _ in
            asked.continuation.yield()
            answer.wait()
            return .pin(digits: Data("274951".utf8))
        })
        let (_, token) = try await server.enrolled(host: WalletHost(presence: presence))
        let opening = Task { try await token.open(.ask) }
        for await _ in asked.stream { break }
        opening.cancel()
        guard case .failure(let error) = await opening.result else { return XCTFail("nobody has answered") }
        XCTAssertTrue(error is CancellationError, "\(error)")
        answer.signal()
        XCTAssertEqual(try server.check("joe"), 2)
        let status = try await token.status()
        XCTAssertEqual(status.state, .closed)
    }
}
