import Cardea
import Foundation
import XCTest

/// The quickstart of `docs/sdk.md`, which is `Quickstart.swift` to the letter.
final class QuickstartTests: XCTestCase {
    func testThePageShowsWhatIsTested() throws {
        let page = try String(
            contentsOfFile: ProcessInfo.processInfo.environment["CARDEA_QUICKSTART"] ?? "", encoding: .utf8)
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Quickstart.swift")
        let code = try String(contentsOf: source, encoding: .utf8)
        XCTAssertTrue(page.contains("```swift\n\(code)```\n"))
        XCTAssertLessThanOrEqual(code.split(separator: "\n").count, 15)
    }

    func testItEnrollsOpensAndCloses() async throws {
        let server = try Server(realHashing: true)
        let link = try XCTUnwrap(server.call("enroll", "joe")["link"] as? String)
        let before = FileManager.default.currentDirectoryPath
        XCTAssertTrue(FileManager.default.changeCurrentDirectoryPath(server.folder.path))
        defer { _ = FileManager.default.changeCurrentDirectoryPath(before) }
        try await quickstart(link)
        XCTAssertEqual(try server.check("joe"), 2)
        let tokens = try await Wallet.open(WalletOptions(folder: "wallet")).tokens()
        let deeds = try await tokens[0].history().map(\.deed)
        XCTAssertEqual(deeds, [.closed, .opened])
    }
}
