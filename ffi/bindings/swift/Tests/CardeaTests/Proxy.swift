import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// Stands between devices and a server's channel, and stops at the piece of data that it is told: what waits for it waits
/// until the proxy is mended, and nobody else gets through. Every piece counts, in both directions: that is where a call can
/// be in the middle.
final class Proxy: @unchecked Sendable {
    private let condition = NSCondition()
    private let listener: Int32
    private var pieces = 0
    private var stopAt = Int.max
    private var stopped = false
    private var settled = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var ended = false

    /// Where devices find it.
    let port: UInt16
    /// Where the server is.
    var upstream = ""

    init() throws {
        listener = try Socket.listening(at: "127.0.0.1:0")
        port = Socket.port(of: listener)
        Thread.detachNewThread { [self] in
            while case let device = accept(listener, nil, nil), device >= 0 {
                Thread.detachNewThread { self.serve(device) }
            }
            close(listener)
        }
    }

    /// Takes nobody any more. Must be called: its threads keep it alive.
    func end() {
        condition.withLock { ended = true }
        shutdown(listener, Int32(SHUT_RDWR))
        mend()
    }

    /// From now on stops at the piece of that number; the first is 0.
    func stop(at piece: Int) {
        condition.withLock { (pieces, stopAt, settled) = (0, piece, false) }
    }

    /// Waits until it has stopped, or until somebody said ``over()``.
    func settle() async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            let isSettled = condition.withLock {
                if !settled { waiting.append(done) }
                return settled
            }
            if isSettled { done.resume() }
        }
    }

    /// There is nothing more to stop.
    func over() {
        let all = condition.withLock {
            settled = true
            defer { waiting = [] }
            return waiting
        }
        for one in all { one.resume() }
    }

    /// Whether it has stopped since it was told to.
    var hasStopped: Bool { condition.withLock { stopped } }

    /// Ends what was stopped, and lets everybody through again.
    func mend() {
        condition.withLock {
            (stopAt, stopped) = (Int.max, false)
            condition.broadcast()
        }
    }

    private func serve(_ device: Int32) {
        defer { close(device) }
        guard !hasStopped, let server = try? Socket.connected(to: upstream) else { return }
        defer { close(server) }
        var both = [device, server].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while true {
            both[0].revents = 0
            both[1].revents = 0
            guard poll(&both, 2, 1_000) >= 0 else { return }
            if condition.withLock({ ended }) { return }
            for (from, to) in [(0, 1), (1, 0)] where both[from].revents != 0 {
                let piece = Socket.receive(from: both[from].fd)
                if piece.isEmpty || !passes() || !Socket.send(piece[...], to: both[to].fd) { return }
            }
        }
    }

    /// Whether the next piece goes through. One that does not waits until the proxy is mended.
    private func passes() -> Bool {
        let through = condition.withLock {
            pieces += 1
            if !stopped && pieces <= stopAt { return true }
            stopped = true
            return false
        }
        if through { return true }
        over()
        condition.withLock { while stopped && !ended { condition.wait() } }
        return false
    }
}
