import Cardea

/// Whoever protects something: asks a server whether tokens are open, and asks holders for a yes. Whatever goes wrong, no
/// token is open by it and no question approved.
extension RelyingParty {
    /// Whether the token of `user` is open: the one question at a door.
    ///
    /// Never throws: whatever goes wrong, it is not open. That includes a task that was cancelled. In a service with a window
    /// of 0 the answer may use an opening up.
    public func isOpen(_ user: String) async -> Bool {
        await refusing { await self.isOpen(user: user, cancel: $0) }
    }

    /// As ``isOpen(_:)``, by the call that reverse proxies make.
    public func gate(_ user: String) async -> Bool {
        await refusing { await self.gate(user: user, cancel: $0) }
    }

    /// What the token of `user` is. Only `TokenStatus.open` lets anybody in; `duress` calls for an alarm.
    ///
    /// In a service with a window of 0 it may use an opening up, also if the task is cancelled meanwhile.
    ///
    /// - Throws: `CardeaError.RelyingParty`, which is never an open token; `CancellationError`.
    public func status(_ user: String) async throws -> TokenStatus {
        try await cancellable { try await self.status(user: user, cancel: $0) }
    }

    /// Asks `user` to approve a text.
    ///
    /// Cancelled in the middle, the question may have been asked: the holder then sees it until it ends.
    ///
    /// - Parameter seconds: how long it may be answered: 10 to 86400.
    /// - Returns: what ``confirmation(_:)``, ``awaitConfirmation(_:seconds:)`` and ``withdraw(_:)`` take.
    /// - Throws: `CardeaError.RelyingParty`; `CancellationError`.
    public func confirm(_ user: String, _ text: String, seconds: UInt64 = 120) async throws -> PendingConfirmation {
        try await cancellable { try await self.confirm(user: user, text: text, seconds: seconds, cancel: $0) }
    }

    /// How a question stands. What the device signed is checked. Only `Answer.approved` is a yes.
    ///
    /// - Throws: `CardeaError.RelyingParty`, which is never a yes; `CancellationError`.
    public func confirmation(_ id: String) async throws -> AskedConfirmation {
        try await cancellable { try await self.confirmation(id: id, cancel: $0) }
    }

    /// Waits until a question was answered or has ended. What still waits then is `Answer.pending`, which is no yes.
    ///
    /// May be cancelled and called again: no answer is lost by it.
    ///
    /// - Parameter seconds: the most that it waits.
    /// - Throws: `CardeaError.RelyingParty`, which is never a yes; `CancellationError`.
    public func awaitConfirmation(_ id: String, seconds: UInt64 = 120) async throws -> AskedConfirmation {
        try await cancellable { try await self.awaitConfirmation(id: id, seconds: seconds, cancel: $0) }
    }

    /// Takes a question back. An answer that is there already stays, and is what this returns.
    ///
    /// - Throws: `CardeaError.RelyingParty`; `CancellationError`: whether it was taken back is not known then.
    public func withdraw(_ id: String) async throws -> Answer {
        try await cancellable { try await self.cancelConfirmation(id: id, cancel: $0) }
    }

    /// What happens in the service. Nobody is asked before the loop begins.
    ///
    /// - Parameters:
    ///   - after: the number of the last event that is known already; without it, from when the loop begins.
    ///   - kinds: such as `token.opened`; all, if there are none.
    public func happenings(after: UInt64? = nil, kinds: [String] = []) -> ServiceEventSequence {
        ServiceEventSequence(party: self, after: after, kinds: kinds)
    }
}

/// A call that answers no if its task is cancelled.
private func refusing(_ call: @Sendable (Cancel) async -> Bool) async -> Bool {
    (try? await cancellable(call)) ?? false
}

/// What happens in a service, for `for try await`. Each loop has a connection of its own.
///
/// The loop ends without an error when its task is cancelled. Until the next event nothing is known of what happens: an
/// error, too, says nothing of tokens. An iterator may be asked again after an error, and goes on behind the last event,
/// unless the error cannot pass (a wrong authkey).
public struct ServiceEventSequence: AsyncSequence, Sendable {
    /// What has happened.
    public typealias Element = ServiceEvent

    let party: RelyingParty
    let after: UInt64?
    let kinds: [String]

    /// Takes one event after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let watch: Watch

        /// The next event; none once the task is cancelled. No event is lost between two calls.
        ///
        /// - Throws: `CardeaError.RelyingParty`.
        public mutating func next() async throws -> ServiceEvent? {
            let watch = watch
            return try await withTaskCancellationHandler {
                try await watch.next()
            } onCancel: {
                watch.cancel()
            }
        }
    }

    /// Begins to listen.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(watch: party.watch(after: after, kinds: kinds))
    }
}
