import Foundation

/// One line of the scenario file.
struct Step: Sendable {
    let line: Int
    let verb: String
    let words: [String]
    /// The text between the quotation marks, if there are any.
    let quoted: String?
    let expected: String?
}

/// A scenario of `ffi/conformance/scenarios.txt`; its README has the grammar.
struct Scenario: Sendable {
    let name: String
    var steps: [Step] = []

    static func all(in text: String) throws -> [Scenario] {
        var scenarios: [Scenario] = []
        for (index, line) in text.components(separatedBy: "\n").enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            if line.hasPrefix("scenario ") {
                scenarios.append(Scenario(name: String(line.dropFirst("scenario ".count))))
                continue
            }
            guard !scenarios.isEmpty else { throw Broken("line \(index + 1) stands before the first scenario") }
            scenarios[scenarios.count - 1].steps.append(Step(line, at: index + 1))
        }
        return scenarios
    }
}

extension Step {
    init(_ text: String, at line: Int) {
        var (rest, expected): (Substring, String?) = (text[...], nil)
        if let arrow = text.range(of: " -> ", options: .backwards) {
            (rest, expected) = (text[..<arrow.lowerBound], String(text[arrow.upperBound...]))
        }
        var quoted: String?
        var tail: [String] = []
        if let first = rest.firstIndex(of: "\""), let last = rest.lastIndex(of: "\""), first < last {
            quoted = String(rest[rest.index(after: first)..<last])
            tail = rest[rest.index(after: last)...].split(separator: " ").map(String.init)
            rest = rest[..<first]
        }
        let words = rest.split(separator: " ").map(String.init) + tail
        self.init(
            line: line, verb: words.first ?? "", words: Array(words.dropFirst()), quoted: quoted, expected: expected)
    }

    /// The step that this one is about (`interrupted`).
    var inner: Step {
        Step(line: line, verb: words.first ?? "", words: Array(words.dropFirst()), quoted: quoted, expected: nil)
    }
}
