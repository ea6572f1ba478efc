import Cardea
import Foundation

/// How the hosts of a scenario behave, as its `behave` steps say, and what they were asked. Hosts are asked on threads of
/// the library.
final class Behavior: @unchecked Sendable {
    private let lock = NSLock()
    private var ways = ["presence": "274951", "secrets": "keeps"]
    private var count = 0
    private var purpose = ""

    func set(_ part: String, _ way: String) { lock.withLock { ways[part] = way } }

    func way(of part: String) -> String { lock.withLock { ways[part] ?? "" } }

    func note(_ asked: Purpose) {
        let name =
            switch asked {
            case .open: "open"
            case .approve: "approve"
            case .changePins: "change_pins"
            case .unenroll: "unenroll"
            case .revokeDevice: "revoke_device"
            case .other: "other"
            }
        lock.withLock { (count, purpose) = (count + 1, name) }
    }

    var lastPurpose: String { lock.withLock { purpose } }

    /// How often somebody was asked since the last time that this was.
    func takeCount() -> Int {
        lock.withLock {
            defer { count = 0 }
            return count
        }
    }
}

/// The biometric keys of the pages.
enum Keys {
    static let right = Data(1...32)
    static let other = Data(repeating: 9, count: 32)
    static let short = Data(repeating: 1, count: 31)
}

/// A word of the pages where a PIN may approve.
func approval(_ word: String) -> Approval {
    switch word {
    case "ask": .ask
    case "key": .biometric(key: Keys.right)
    case "other_key": .biometric(key: Keys.other)
    case "short_key": .biometric(key: Keys.short)
    default: .pin(word)
    }
}

/// Words of the pages where new PINs are chosen.
func newPins(_ words: some Collection<String>) -> NewPins {
    var pins = Array(words)
    let biometric = pins.last == "key" ? Keys.right : pins.last == "short_key" ? Keys.short : nil
    if biometric != nil { pins.removeLast() }
    let duress = pins.dropFirst().map { Data($0.utf8) }
    return NewPins(normal: Data((pins.first ?? "").utf8), duress: Array(duress), biometric: biometric)
}

final class PlayedPresence: Presence {
    private let behavior: Behavior
    init(_ behavior: Behavior) { self.behavior = behavior }

    func approve(request: PresenceRequest) throws -> ApprovalAnswer {
        behavior.note(request.purpose)
        switch behavior.way(of: "presence") {
        case "key": return .biometric(key: Keys.right)
        case "other_key": return .biometric(key: Keys.other)
        case "short_key": return .biometric(key: Keys.short)
        case "cancels": return .cancelled
        case "throws": throw Mishap()
        case "reenters": throw Hosts.enter()
        case "lies": return .pin(digits: Data("abcdef".utf8))
        case let digits: return .pin(digits: Data(digits.utf8))
        }
    }
}

/// Keeps what it is given, or does not.
final class PlayedSecrets: SecretStore, @unchecked Sendable {
    private let behavior: Behavior
    private let lock = NSLock()
    private var kept: [String: Data] = [:]

    init(_ behavior: Behavior) { self.behavior = behavior }

    /// The way, unless it is to fail whatever is asked.
    private func way() throws -> String {
        switch behavior.way(of: "secrets") {
        case "throws": throw Mishap()
        case "denied": throw HostError.Denied
        case "reenters": throw Hosts.enter()
        case let way: return way
        }
    }

    func load(name: String) throws -> Data? {
        let way = try way()
        let secret = lock.withLock { kept[name] }
        switch way {
        case "forgets": return nil
        case "lies": return secret.map { Data($0.map { ~$0 }) }
        case "short": return secret?.prefix(1)
        default: return secret
        }
    }

    func save(name: String, secret: Data) throws {
        if try way() == "full" { throw HostError.Full }
        lock.withLock { kept[name] = secret }
    }

    func remove(name: String) throws {
        _ = try way()
        lock.withLock { kept[name] = nil }
    }
}
