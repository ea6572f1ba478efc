import Cardea
import Foundation

/// A clock that is off.
final class ShiftedClock: Clock {
    private let seconds: Int64
    init(by seconds: Int64) { self.seconds = seconds }
    func now() throws -> UInt64 { UInt64(Int64(Date().timeIntervalSince1970) + seconds) }
}

/// Something that a host must not do.
struct Mishap: Error {}

/// Hosts that misbehave.
enum Hosts {
    final class Thrower: Clock, Entropy {
        func now() throws -> UInt64 { throw Mishap() }
        func bytes(count: UInt32) throws -> Data { throw Mishap() }
    }

    /// Gives too little.
    final class Miser: Entropy {
        func bytes(count: UInt32) throws -> Data { Data(count: Int(count) / 2) }
    }

    /// Opens a wallet of its own, and waits for it, while it is asked. A synchronous function of Swift can only do so on
    /// another thread, which is allowed: whether the two wait for each other is what there is to see.
    final class Reentrant: Clock, Entropy {
        private func enter() throws {
            let done = DispatchSemaphore(value: 0)
            let box = Box()
            Task {
                do { _ = try await Wallet.open() } catch { box.error = error }
                done.signal()
            }
            done.wait()
            throw box.error ?? Mishap()
        }
        func now() throws -> UInt64 {
            try enter()
            return 0
        }
        func bytes(count: UInt32) throws -> Data {
            try enter()
            return Data()
        }
    }

    final class Box: @unchecked Sendable {
        var error: Error?
    }

    static func open(_ part: String, _ behavior: String) async throws {
        let host: WalletHost
        switch (part, behavior) {
        case ("clock", "throws"): host = WalletHost(clock: Thrower())
        case ("entropy", "throws"): host = WalletHost(entropy: Thrower())
        case ("entropy", "short"): host = WalletHost(entropy: Miser())
        case ("clock", "reenters"): host = WalletHost(clock: Reentrant())
        case ("entropy", "reenters"): host = WalletHost(entropy: Reentrant())
        default: throw Broken("no such host: \(part) \(behavior)")
        }
        _ = try await Wallet.open(WalletOptions(recoverInBackground: false), host: host)
    }
}
