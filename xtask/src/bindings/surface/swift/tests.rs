use super::*;
use crate::bindings::changes::changes;

const SAMPLE: &str = r#"
@_exported import Low
import Foundation

/// Says "what it { is".
public enum State: UInt8, Sendable {
    case open = 1, closed
    case failed(reason: String, [Int])

    var own: Int { 1 }
}

public struct Status: Equatable {
    public let state: State
    public internal(set) var text: String?
    public var count = 3 { didSet { count = 4 } }
    public var hidden: Int { state.own }
    public var both: Int {
        get throws { 1 }
        set { print("set", newValue) }
    }
    public static let first: Status = make { "public let x: Int" }
    let inner: Int

    public init(
        state: State, // it
        text: String = "a, (b \(c(")"))",
        inout_ digits: inout [UInt8]
    ) throws {
        self.state = state
        func nested() {}
    }

    public static func == (lhs: Status, rhs: Status) -> Bool { lhs.state == rhs.state }
    public subscript(at: Int) -> State { state }
    private func hide() {}
    deinit { public func x() {} }
}

public protocol Asks: Sendable {
    associatedtype Answer
    var name: String { get }
    func ask(_ what: String) async throws -> Answer
}

open class Door<Of: Asks>: Base, @unchecked Sendable {
    @MainActor
    @discardableResult
    open func open<T>(_ way: @escaping @Sendable (T) async -> Bool, atMost: Double? = nil) async -> Bool
    where T: Sendable {
        true
    }
    public class func make() -> Door { Door() }
    public final class Inner { public init?() {} }
    class Own { public init() {} }
    #if canImport(Security)
    public func key() {}
    #else
    func other() {}
    #endif
}

public extension Door where Of == Way {
    func seen() {}
    private func unseen() {}
}

extension Status: CustomStringConvertible {
    public var description: String { "x" }
}

extension Own { public func x() {} }
struct Own: Hashable { public let y: Int }
extension Own: Sendable {}
package func shared() {}
public typealias Way = Low.Way
public func within<R>(seconds: Double, _ call: () throws -> R) rethrows -> R { try call() }
"#;

fn of(source: &str) -> Vec<String> {
    lines("M", [source]).into_iter().collect()
}

#[test]
fn what_is_public_is_listed_and_nothing_else() {
    let wanted = [
        "M.Asks.Answer: associatedtype Answer",
        "M.Asks.ask: func ask(_ what: String) async throws -> Answer",
        "M.Asks.name: var name: String { get }",
        "M.Asks: protocol Asks: Sendable",
        "M.Door.Inner.init: init?()",
        "M.Door.Inner: final class Inner",
        "M.Door.key: #if canImport(Security) func key()",
        "M.Door.make: class func make() -> Door",
        "M.Door.open: @MainActor open func open<T>(_ way: @escaping @Sendable (T) async -> Bool, atMost: Double? = nil) async -> Bool where T: Sendable",
        "M.Door.seen: func seen() (where Of == Way)",
        "M.Door: open class Door<Of: Asks>: Base, @unchecked Sendable",
        "M.Low: @_exported import Low",
        "M.State.closed: case closed",
        "M.State.failed: case failed(reason: String, [Int])",
        "M.State.open: case open = 1",
        "M.State: enum State: UInt8, Sendable",
        "M.Status.==: static func == (lhs: Status, rhs: Status) -> Bool",
        "M.Status.both: var both: Int { get throws set }",
        "M.Status.count: var count = 3 { didSet { count = 4 } }",
        "M.Status.description: var description: String { get }",
        "M.Status.first: static let first: Status",
        "M.Status.hidden: var hidden: Int { get }",
        "M.Status.init: init(state: State, text: String = \"a, (b \\(c(\")\"))\", inout_ digits: inout [UInt8]) throws",
        "M.Status.state: let state: State",
        "M.Status.subscript: subscript(at: Int) -> State { get }",
        "M.Status.text: internal(set) var text: String?",
        "M.Status: extension Status: CustomStringConvertible",
        "M.Status: struct Status: Equatable",
        "M.Way: typealias Way = Low.Way",
        "M.within: func within<R>(seconds: Double, _ call: () throws -> R) rethrows -> R",
    ];
    let given = of(SAMPLE);
    for (given, wanted) in given.iter().zip(wanted) {
        assert_eq!(given, wanted);
    }
    assert_eq!(given.len(), wanted.len());
}

#[test]
fn each_change_that_apps_see_is_noticed() {
    for (before, after, what) in [
        ("_ what: String", "_ what: Substring", "changed; "),
        ("_ what: String", "what: String", "changed; "),
        ("async throws -> Answer", "async -> Answer", "changed; "),
        ("Double? = nil", "Double? = 1", "changed; "),
        ("\"a, (b", "\"a, (c", "changed; "),
        ("case open = 1, closed", "case open = 1", "gone; "),
        ("case open = 1", "case open = 2", "changed; "),
        ("reason: String, [Int]", "reason: String", "changed; "),
        ("public let state: State", "", "gone; "),
        ("public let state: State", "let state: State", "gone; "),
        ("public let state: State", "public var state: State", "changed; "),
        ("public internal(set) var", "public var", "changed; "),
        ("        set { print(\"set\", newValue) }\n", "", "changed; "),
        ("    var name: String { get }\n", "", "gone; "),
        ("open class Door", "public class Door", "changed; "),
        ("    @MainActor\n", "", "changed; "),
        ("    private func hide", "    public func hide", "new; "),
        ("extension Status: CustomStringConvertible", "extension Status", "gone; "),
        ("@_exported import Low", "import Low", "gone; "),
        ("public extension Door", "extension Door", "gone; "),
        ("package func shared", "public func shared", "new; "),
        ("public enum State: UInt8, Sendable", "enum State: UInt8, Sendable", "gone; "),
        ("#if canImport(Security)", "#if os(iOS)", "changed; "),
    ] {
        assert!(SAMPLE.contains(before), "{before}");
        let changed = of(&SAMPLE.replacen(before, after, 1)).join("\n");
        let told = changes(&of(SAMPLE).join("\n"), &changed).unwrap_or_else(|| panic!("{before} -> {after}"));
        assert!(told.contains(what), "{before} -> {after}: {told}");
    }
}

#[test]
fn what_apps_do_not_see_may_change() {
    for (before, after) in [
        ("self.state = state\n", "self.state = .open\n"),
        ("let inner: Int", "var inner: String"),
        ("// it", "/* public */"),
        ("func other() {}", "func another() {}"),
        ("    @discardableResult\n", ""),
        ("state: State, // it\n        text", "state: State, text"),
        ("make { \"public let x: Int\" }", "make()"),
        ("public let y: Int", "public let z: Int"),
        ("func nested() {}", "public func nested() {}"),
    ] {
        assert!(SAMPLE.contains(before), "{before}");
        assert_eq!(of(&SAMPLE.replacen(before, after, 1)), of(SAMPLE), "{before} -> {after}");
    }
}
