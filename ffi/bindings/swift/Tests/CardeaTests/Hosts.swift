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

/// Runs a task on the very thread that waits for it, whatever it waits for. That is how a callback, which is synchronous,
/// can call back into the library on the thread that it was called on.
@available(macOS 15.0, iOS 18.0, *)
private final class OwnThread: TaskExecutor, @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.withLock {
            jobs.append(job)
            condition.signal()
        }
    }

    /// The result of a task that runs here until it has one.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) -> Result<Value, any Error> {
        let box = Box<Result<Value, any Error>>()
        Task(executorPreference: self) {
            do { box.value = .success(try await body()) } catch { box.value = .failure(error) }
        }
        while true {
            let job: UnownedJob? = condition.withLock {
                while jobs.isEmpty { condition.wait() }
                return jobs.removeFirst()
            }
            job?.runSynchronously(on: asUnownedTaskExecutor())
            // Only jobs of this thread write it.
            if let result = box.value { return result }
        }
    }
}

final class Box<Value>: @unchecked Sendable {
    var value: Value?
}

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

    /// Opens a wallet of its own while it is asked, on the thread that it is asked on.
    final class Reentrant: Clock, Entropy {
        func now() throws -> UInt64 { throw Hosts.enter() }
        func bytes(count: UInt32) throws -> Data { throw Hosts.enter() }
    }

    /// What opening a wallet throws on this thread.
    static func enter() -> any Error {
        guard #available(macOS 15.0, iOS 18.0, *) else { return Mishap() }
        switch OwnThread().run({ try await Wallet.open() }) {
        case .success: return Mishap()
        case .failure(let error): return error
        }
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
