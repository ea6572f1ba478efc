import Foundation
import XCTest

/// The scenarios of `ffi/conformance`, which every language plays.
final class ScenarioTests: XCTestCase {
    func testEveryScenarioComesOutAsItSays() async throws {
        let folder = URL(fileURLWithPath: ProcessInfo.processInfo.environment["CARDEA_SCENARIOS"] ?? "")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        let pages = files.filter { $0.pathExtension == "txt" }.sorted { $0.path < $1.path }
        XCTAssertEqual(
            pages.map { $0.deletingPathExtension().lastPathComponent },
            ["host", "live", "lost", "pictures", "relying", "scenarios"])
        let scenarios = try pages.flatMap { try Scenario.all(in: String(contentsOf: $0, encoding: .utf8)) }
        XCTAssertGreaterThan(scenarios.count, 60)
        for scenario in scenarios {
            do {
                try await Player().play(scenario)
            } catch {
                XCTFail("\(error)")
            }
        }
    }

    func testALineIsTakenApartAsTheReadmeSays() {
        let step = Step(#"ask joe "Pay 4 -> 5 EUR" 30 -> error 11"#, at: 7)
        XCTAssertEqual([step.verb] + step.words, ["ask", "joe", "30"])
        XCTAssertEqual(step.quoted, "Pay 4 -> 5 EUR")
        XCTAssertEqual(step.expected, "error 11")
        XCTAssertNil(Step("open joe 274951", at: 1).expected)
        XCTAssertEqual(Step("interrupted open joe 274951 -> open", at: 1).inner.verb, "open")
    }
}
