import CardeaGenerated
import Foundation

/// Asks the holder with a closure, where an operation was given `Approval.ask`.
///
/// ```swift
/// let host = WalletHost(presence: AskingPresence { request in
///     guard var digits = await sheet.pin(for: request) else { return .cancelled }  // on the main actor
///     return .pin(wiping: &digits)
/// })
/// ```
///
/// The library asks at the moment when an answer is of use, on a thread that is there for this alone, and holds no
/// connection meanwhile: a person may take as long as a person needs. What a closure answers after its operation was
/// cancelled is wiped. A closure that throws makes the operation fail with code 151, without its error's words.
public final class AskingPresence: Presence {
    private let ask: @Sendable (PresenceRequest) throws -> ApprovalAnswer

    /// With a synchronous closure, which is called on that thread and may block it.
    ///
    /// It must not wait for the main actor with the main actor waiting for the operation, such as by
    /// `DispatchQueue.main.sync` under a main thread that is blocked: both would wait for ever. A call of the library from
    /// the closure, on the same thread, is refused with code 151.
    ///
    /// - Parameter ask: answers with a PIN, with the key of the biometric slot, or that the holder does not want to.
    public init(blocking ask: @escaping @Sendable (PresenceRequest) throws -> ApprovalAnswer) {
        self.ask = ask
    }

    /// With an asynchronous closure, which runs wherever it belongs, such as on the main actor to show a sheet.
    ///
    /// The library's thread waits for it. Nothing of the app is blocked, unless the app blocks itself: an operation must be
    /// awaited, and never be waited for by blocking the main thread.
    ///
    /// - Parameter ask: answers with a PIN, with the key of the biometric slot, or that the holder does not want to.
    public init(_ ask: @escaping @Sendable (PresenceRequest) async throws -> ApprovalAnswer) {
        self.ask = { request in
            let answer = Handover<ApprovalAnswer>()
            Task {
                do {
                    answer.give(.success(try await ask(request)))
                } catch {
                    answer.give(.failure(error))
                }
            }
            return try answer.take()
        }
    }

    /// What the library calls.
    public func approve(request: PresenceRequest) throws -> ApprovalAnswer {
        do {
            return try ask(request)
        } catch is CancellationError {
            return .cancelled
        } catch let error as HostError {
            throw error
        } catch {
            // Whatever words an app's own error has, they are not for logs.
            throw HostError.Failed(reason: "the holder could not be asked")
        }
    }
}

/// Takes one result from a task to a thread that waits for it.
private final class Handover<Value: Sendable>: @unchecked Sendable {
    private let given = DispatchSemaphore(value: 0)
    // Written once, before the signal, and read once, after it.
    private var result: Result<Value, any Error>?

    func give(_ result: Result<Value, any Error>) {
        self.result = result
        given.signal()
    }

    func take() throws -> Value {
        given.wait()
        guard let result else { throw CancellationError() }
        return try result.get()
    }
}
