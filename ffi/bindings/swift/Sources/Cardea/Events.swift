import CardeaGenerated

/// What happens in a wallet, from when it was made. Each `for await` hears everything from its own beginning.
///
/// A listener that is far behind hears of it: an event of the kind `missed` says how many are gone. The sequence ends
/// when its task is cancelled and when the wallet is gone.
public struct EventSequence: AsyncSequence, Sendable {
    /// What has happened.
    public typealias Element = Event

    let wallet: Wallet

    /// Takes one event after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let events: Events

        /// The next event; none once the task is cancelled or the wallet is gone.
        public mutating func next() async -> Event? {
            let events = events
            return await withTaskCancellationHandler {
                await events.next()
            } onCancel: {
                events.cancel()
            }
        }
    }

    /// Begins to listen.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(events: wallet.events())
    }
}

extension Wallet {
    /// What happens from when the loop begins.
    public var happenings: EventSequence { EventSequence(wallet: self) }
}
