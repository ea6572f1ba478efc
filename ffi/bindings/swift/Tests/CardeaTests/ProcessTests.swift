import Cardea
import Foundation
import XCTest

/// What happens between programs: one folder for two of them, being killed, and the library loaded twice.
final class ProcessTests: XCTestCase {
    func testTwoProgramsOnOneFolderTakeTurns() async throws {
        let server = try Server()
        let folder = server.folder.appendingPathComponent("shared")
        let (wallet, token) = try await server.enrolled(in: folder)
        let others = try (0..<2).map { _ in try Child("rounds", folder.path, "10") }
        for _ in 0..<10 {
            // The others open and close it, too: whatever stands afterwards was so for a moment.
            try await token.open(.pin("274951"))
            try await token.close()
        }
        for other in others {
            let (lines, status) = other.end()
            XCTAssertEqual(lines.count, 20)
            XCTAssertEqual(status, 0)
        }
        let status = try await token.status()
        XCTAssertEqual(status.state, .closed)
        XCTAssertEqual(status.triesLeft, 10)
        XCTAssertEqual(try server.check("joe"), 2)
        let tokens = try await wallet.tokens()
        XCTAssertEqual(tokens.count, 1)
    }

    func testAProgramThatIsKilledInTheMiddleOfACallLeavesATokenThatGoesOn() async throws {
        let proxy = try Proxy()
        let server = try Server(settings: ["public.channel_port=\(proxy.port)"])
        proxy.upstream = server.channel
        defer {
            proxy.end()
            server.stop()
        }
        let folder = server.folder.appendingPathComponent("killed")
        _ = try await server.enrolled(in: folder)
        for call in ["open", "close", "change"] {
            var piece = 0
            while true {
                proxy.stop(at: piece)
                let child = try Child(call, folder.path)
                Thread.detachNewThread {
                    // Its end, too, settles the matter.
                    _ = child.line()
                    proxy.over()
                }
                await proxy.settle()
                let stopped = proxy.hasStopped
                child.kill()
                proxy.mend()
                let tokens = try await Wallet.open(.tests(folder)).tokens()
                let status = try await tokens[0].status()
                XCTAssertEqual(try server.check("joe"), status.state == .open ? 1 : 2, "\(call), \(piece)")
                let opened = try await tokens[0].open(.pin("274951"))
                XCTAssertEqual(opened.state, .open)
                if call != "close" { try await tokens[0].close() }
                if !stopped { break }
                piece += 1
                if piece == 100 { throw Broken("there is no end of pieces") }
            }
            XCTAssertGreaterThanOrEqual(piece, 2, call)
        }
    }

    func testALibraryThatIsLoadedTwiceInOneProgramSharesAFolderWithItself() async throws {
        let file = try XCTUnwrap(ProcessInfo.processInfo.environment["CARDEA_LIBRARY"], "names the library")
        let server = try Server()
        let folder = server.folder.appendingPathComponent("twice")
        let (_, token) = try await server.enrolled(in: folder)
        let copy = try Copy(
            of: URL(fileURLWithPath: file), at: server.folder.appendingPathComponent("cardea.copy.so"))
        XCTAssertEqual(try copy.version(), version())
        let theirs = try await copy.token(in: .tests(folder))
        for _ in 0..<5 {
            let opened = try await copy.set(theirs, open: true)
            XCTAssertEqual(opened, .open)
            XCTAssertEqual(try server.check("joe"), 1)
            let closed = try await token.close()
            XCTAssertEqual(closed.state, .closed)
            let ours = try await token.open(.pin("274951"))
            XCTAssertEqual(ours.state, .open)
            let again = try await copy.set(theirs, open: false)
            XCTAssertEqual(again, .closed)
            XCTAssertEqual(try server.check("joe"), 2)
        }
        // Both at the same time, each again and again.
        let here = Task {
            for _ in 0..<10 {
                try await token.open(.pin("274951"))
                try await token.close()
            }
        }
        for _ in 0..<10 {
            _ = try await copy.set(theirs, open: true)
            _ = try await copy.set(theirs, open: false)
        }
        try await here.value
        let status = try await token.status()
        XCTAssertEqual(status.triesLeft, 10)
        XCTAssertEqual(status.state, .closed)
    }
}
