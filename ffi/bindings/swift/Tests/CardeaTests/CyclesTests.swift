import Cardea
import Foundation
import XCTest

/// Opening and closing again and again leaves nothing behind. A hundred times here; `CARDEA_CYCLES=100000` in the
/// environment of the tests runs as many.
final class CyclesTests: XCTestCase {
    /// What the program holds: files, threads, and KiB of memory.
    private struct Held: CustomStringConvertible {
        let files: Int
        let threads: Int
        let memory: Int

        init() throws {
            files = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            func number(_ name: String) throws -> Int {
                let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
                return try XCTUnwrap(line.flatMap { Int($0.filter(\.isNumber)) }, name)
            }
            threads = try number("Threads")
            memory = try number("VmRSS")
        }

        var description: String { "\(files) files, \(threads) threads, \(memory) KiB" }
    }

    func testCyclesLeaveNoFileThreadOrMemoryBehind() async throws {
        let cycles = ProcessInfo.processInfo.environment["CARDEA_CYCLES"].flatMap(Int.init) ?? 100
        let server = try Server()
        let host = WalletHost(clock: ShiftedClock(by: 0))
        let (wallet, _) = try await server.enrolled(host: host)
        var half: Held?
        for cycle in 1...cycles {
            // Everything that has a handle on the other side, too.
            let listener = Task { for await _ in wallet.happenings {} }
            let tokens = try await wallet.tokens()
            let opened = try await tokens[0].open(.pin("274951"))
            XCTAssertEqual(opened.state, .open)
            let closed = try await tokens[0].close()
            XCTAssertEqual(closed.state, .closed)
            XCTAssertThrowsError(try Invitation.fromText(text: "none"))
            listener.cancel()
            await listener.value
            if cycle == cycles / 2 { half = try Held() }
        }
        let (before, after) = (try XCTUnwrap(half), try Held())
        print("   after half of \(cycles) cycles: \(before); after all: \(after)")
        XCTAssertLessThanOrEqual(after.files, before.files + 4, "\(before), then \(after)")
        XCTAssertLessThanOrEqual(after.threads, before.threads + 4, "\(before), then \(after)")
        // Of a hundred thousand cycles, less than 84 bytes for each of the second half.
        XCTAssertLessThanOrEqual(after.memory, before.memory + 4 * 1024, "\(before), then \(after)")
    }
}
