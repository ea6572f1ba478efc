import Cardea
import Foundation

#if canImport(Glibc)
import Glibc
#endif

extension Player {
    /// Steps whose server goes away while they run.
    func disturb(_ step: Step) async throws -> String? {
        switch step.verb {
        case "interrupted": try await interrupted(step.inner)
        case "lost": try await lost(step.inner)
        default: nil
        }
    }

    /// The server dies while the step waits for its answer, and comes back.
    private func interrupted(_ step: Step) async throws -> String {
        guard let user = step.words.first else { throw Broken("line \(step.line): of whom?") }
        let token = try await token(user)
        try await prepare(step)
        server.signal(SIGSTOP)
        async let outcome = outcome(of: step)
        while try await !token.info().pending {
            try await Task.sleep(nanoseconds: 1_000_000)
        }
        server.stop()
        try server.start()
        return try await outcome
    }

    /// The server is gone, and what listens in its place hangs up on the step. Then the server comes back.
    private func lost(_ step: Step) async throws -> String {
        try await prepare(step)
        server.stop()
        let ear = try Ear(at: server.channel)
        async let outcome = outcome(of: step)
        try await ear.hangUpOnOne()
        try server.start()
        return try await outcome
    }

    /// Asks for what the step has to know before it can do what it is for.
    private func prepare(_ step: Step) async throws {
        guard let user = step.words.first else { return }
        switch step.verb {
        case "enroll", "policy": _ = try link(of: user)
        case "revoke_other": others[user] = try await other(than: user)
        default: break
        }
    }
}

/// Listens, takes one connection, reads of it, and hangs up.
final class Ear: Sendable {
    private let descriptor: Int32

    init(at address: String) throws {
        descriptor = try Socket.listening(at: address)
        // Whoever never calls must not be waited for without an end.
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Returns once it has hung up and does not listen any more.
    func hangUpOnOne() async throws {
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            Thread.detachNewThread { [descriptor] in
                let caller = accept(descriptor, nil, nil)
                let said = caller < 0 ? [] : Socket.receive(from: caller, atMost: 4_096)
                close(descriptor)
                if caller >= 0 { close(caller) }
                if !said.isEmpty { done.resume() } else { done.resume(throwing: Broken("nobody called and said anything")) }
            }
        }
    }
}
