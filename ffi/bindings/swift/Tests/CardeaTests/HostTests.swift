import Cardea
import Foundation
import XCTest

/// Hosts that misbehave: each makes an error of its own, and nothing hangs, traps or opens.
final class HostTests: XCTestCase {
    private struct Loud: Error, CustomStringConvertible { let description = "secret-word" }

    private final class Reader: Clock, @unchecked Sendable {
        private let read: @Sendable () throws -> UInt64
        init(_ read: @escaping @Sendable () throws -> UInt64) { self.read = read }
        func now() throws -> UInt64 { try read() }
    }

    private final class Source: Entropy, @unchecked Sendable {
        private let give: @Sendable (Int) throws -> Data
        init(_ give: @escaping @Sendable (Int) throws -> Data) { self.give = give }
        func bytes(count: UInt32) throws -> Data { try give(Int(count)) }
    }

    func testAHostThatThrowsIsAnErrorOfItsOwnAndOpensNothing() async throws {
        let server = try Server()
        defer { server.stop() }
        let errors: [any Error] = [Loud(), Mishap(), CancellationError(), HostError.Denied, HostError.Full, HostError.Failed(reason: "")]
        for error in errors {
            let hosts = [WalletHost(clock: Reader { throw error }), WalletHost(entropy: Source { _ in throw error })]
            for host in hosts {
                let code = try await number { _ = try await Wallet.open(.tests(), host: host) }
                XCTAssertEqual(code, 151, "\(error)")
            }
        }
    }

    func testAHostThatBeginsToThrowFailsTheCallAndNothingElse() async throws {
        let server = try Server()
        let throwing = Box<Bool>()
        let clock = Reader {
            if throwing.value == true { throw Loud() }
            return UInt64(Date().timeIntervalSince1970)
        }
        let (_, token) = try await server.enrolled(host: WalletHost(clock: clock))
        throwing.value = true
        let code = try await number { try await token.open(.pin("274951")) }
        XCTAssertEqual(code, 151)
        XCTAssertEqual(try server.check("joe"), 2)
        throwing.value = false
        let status = try await token.open(.pin("274951"))
        XCTAssertEqual(status.triesLeft, 10)
    }

    func testTooLittleOrTooMuchRandomnessIsRefused() async throws {
        for size in [0, 1, 1_000_000] {
            let host = WalletHost(entropy: Source { _ in Data(count: size) })
            let code = try await number { _ = try await Wallet.open(.tests(), host: host) }
            XCTAssertEqual(code, 151, "\(size)")
        }
    }

    func testBadRandomnessDoesNoHarm() async throws {
        let server = try Server()
        let host = WalletHost(entropy: Source { Data(count: $0) })
        let (_, first) = try await server.enrolled("joe", host: host)
        let (_, second) = try await server.enrolled("ann", host: host)
        XCTAssertNotEqual(first.id(), second.id())
    }

    func testACallbackThatCallsTheLibraryOnItsOwnThreadIsRefusedAndDoesNotHang() async throws {
        let server = try Server()
        let refused = Box<any Error>()
        let clock = Reader {
            refused.value = Hosts.enter()
            return UInt64(Date().timeIntervalSince1970)
        }
        let (_, token) = try await server.enrolled(host: WalletHost(clock: clock))
        let error = try XCTUnwrap(refused.value as? CardeaError)
        XCTAssertEqual(error.code, 151)
        let status = try await token.open(.pin("274951"))
        XCTAssertEqual(status.state, .open)
    }

    func testAClockThatIsSlowHoldsUpNobodyElseAndWhoeverWaitsMayGiveUp() async throws {
        let server = try Server()
        let (asked, answer) = (AsyncStream.makeStream(of: Void.self), DispatchSemaphore(value: 0))
        let slow = Reader {
            asked.continuation.yield()
            answer.wait()
            return 0
        }
        let waiting = Task { try await Wallet.open(.tests(), host: WalletHost(clock: slow)) }
        for await _ in asked.stream { break }
        let (_, token) = try await server.enrolled()
        let status = try await token.open(.pin("274951"))
        XCTAssertEqual(status.state, .open)
        waiting.cancel()
        guard case .failure(let error) = await waiting.result else { return XCTFail("nobody has answered") }
        XCTAssertTrue(error is CancellationError, "\(error)")
        answer.signal()
    }

    func testAStoreOfSecretsThatIsSlowHoldsUpNobodyElseAndWhoeverWaitsMayGiveUp() async throws {
        let server = try Server()
        let folder = server.folder.appendingPathComponent("slow")
        let items = Items()
        let (asked, answer) = (AsyncStream.makeStream(of: Void.self), DispatchSemaphore(value: 0))
        items.before = {
            asked.continuation.yield()
            answer.wait()
        }
        let host = WalletHost(secrets: ItemSecretStore(items: items))
        let waiting = Task { try await Wallet.open(.tests(folder), host: host) }
        for await _ in asked.stream { break }
        let (_, token) = try await server.enrolled()
        let status = try await token.open(.pin("274951"))
        XCTAssertEqual(status.state, .open)
        waiting.cancel()
        guard case .failure(let error) = await waiting.result else { return XCTFail("nobody has answered") }
        XCTAssertTrue(error is CancellationError, "\(error)")
        items.before = {}
        answer.signal()
        let (_, later) = try await server.enrolled("ann", in: folder, host: host)
        let opened = try await later.open(.pin("274951"))
        XCTAssertEqual(opened.state, .open)
    }

    func testClocksThatAreWrongByDecadesChangeNothingButWhatTheHolderIsTold() async throws {
        let server = try Server()
        for (index, time) in [0, 1, 4_102_444_800, 253_402_300_799, UInt64.max].enumerated() {
            let user = "user \(index)"
            let (_, token) = try await server.enrolled(user, host: WalletHost(clock: Reader { time }))
            let status = try await token.open(.pin("274951"))
            XCTAssertEqual(status.state, .open)
            XCTAssertEqual(status.remainingSeconds, 60)
            XCTAssertGreaterThan(try XCTUnwrap(status.clockDifference), 365 * 86_400, "\(time)")
            XCTAssertEqual(try server.check(user), 1)
            try await token.close()
            XCTAssertEqual(try server.check(user), 2)
        }
    }

    func testARestoredBackupIsFoundOutAndBlocksUntilAnAdministratorSaysOtherwise() async throws {
        let server = try Server()
        let (folder, copy) = (server.folder.appendingPathComponent("now"), server.folder.appendingPathComponent("before"))
        do {
            let (_, token) = try await server.enrolled(in: folder)
            try FileManager.default.copyItem(at: folder, to: copy)
            try await token.open(.pin("274951"))
        }
        try FileManager.default.removeItem(at: folder)
        try FileManager.default.moveItem(at: copy, to: folder)
        let tokens = try await Wallet.open(.tests(folder)).tokens()
        for _ in 0..<2 {
            // The backup is a copy of keys that were used since: it may be somebody else's.
            let code = try await number { try await tokens[0].open(.pin("274951")) }
            XCTAssertEqual(code, 3)
            XCTAssertEqual(try server.check("joe"), 4)
        }
    }

    func testALogThatThrowsIsNotHeard() async throws {
        final class Throwing: LogSink, @unchecked Sendable {
            func log(level: LogLevel, text: String) throws { throw Loud() }
        }
        let server = try Server()
        let (_, token) = try await server.enrolled(host: WalletHost(log: Throwing()))
        server.stop()
        let code = try await number { try await token.open(.pin("274951")) }
        XCTAssertEqual(code, 102)
        try server.start()
        let status = try await token.open(.pin("274951"))
        XCTAssertEqual(status.state, .open)
    }

    func testManyCallbacksAtTheSameTimeAreAnswered() async throws {
        let server = try Server()
        let host = WalletHost(clock: ShiftedClock(by: 0), entropy: Source { Data(count: $0) })
        let (_, token) = try await server.enrolled(host: host)
        let (_, other) = try await server.enrolled("ann", host: host)
        try await withThrowingTaskGroup(of: State.self) { group in
            for round in 0..<40 { group.addTask { try await (round % 2 == 0 ? token : other).status().state } }
            for try await state in group { XCTAssertEqual(state, .closed) }
        }
    }
}
