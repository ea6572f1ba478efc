import CardeaGenerated

/// Runs a call of the library, and ends it when the task is cancelled.
///
/// What the call had sent by then is found out by the next one. Throws `CancellationError` if it was the task that was
/// cancelled.
package func cancellable<Result: Sendable>(
    _ call: @Sendable (Cancel) async throws -> Result
) async throws -> Result {
    let cancel = Cancel()
    return try await withTaskCancellationHandler {
        // Nothing begins in a task that was cancelled already.
        try Task.checkCancellation()
        do {
            return try await call(cancel)
        } catch CardeaError.Cancelled where Task.isCancelled {
            throw CancellationError()
        }
    } onCancel: {
        cancel.cancel()
    }
}

/// Does something for at most so many seconds.
///
/// - Parameters:
///   - seconds: the most that it may take. Of nothing, less and `nan` the time is over at once, and nothing begins;
///     `infinity` is thirty years.
///   - call: what to do. It is cancelled when the time is over, and must end then: the calls of this library do.
/// - Throws: ``TimedOut`` when the time is over, and what `call` throws. What was sent by then is found out by the
///   next call.
public func within<Result: Sendable>(
    seconds: Double,
    _ call: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    guard seconds > 0 else { throw TimedOut() }
    // More than this many the system's timers may take for a time that is over.
    let nanoseconds = UInt64(min(seconds, 1_000_000_000) * 1_000_000_000)
    return try await withThrowingTaskGroup(of: Result.self) { group in
        group.addTask { try await call() }
        group.addTask {
            try await Task.sleep(nanoseconds: nanoseconds)
            throw TimedOut()
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() else { throw CancellationError() }
        return result
    }
}

/// A call took longer than it was allowed to.
public struct TimedOut: Error, Sendable {
    /// Makes one.
    public init() {}
}
