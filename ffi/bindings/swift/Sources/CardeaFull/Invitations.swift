import Cardea
import Foundation

extension Invitation {
    /// From a typed code and the host of its server, which is asked for its key. Uses nothing up.
    ///
    /// Ends when its task is cancelled, with `CancellationError`.
    ///
    /// - Parameters:
    ///   - code: what the person typed; case, spaces and dashes do not matter.
    ///   - server: the host, with a port if it is not 443.
    /// - Throws: `CardeaError.InvitationRejected` with code 112 (it is no code, and nobody was asked) or 121 (the server's
    ///   key could not be looked up).
    public static func code(_ code: String, server: String) async throws -> Invitation {
        try await cancellable { try await Invitation.fromCode(code: code, server: server, cancel: $0) }
    }

    /// From a picture of a QR code. Asks nobody, and uses nothing up.
    ///
    /// A picture that is hard to read takes up to seconds, on a thread of the library. Ends when its task is cancelled, with
    /// `CancellationError`.
    ///
    /// - Parameter picture: the bytes of a PNG or JPEG file.
    /// - Throws: `CardeaError.InvitationRejected` with code 115: it is no picture, or there is not exactly one invitation
    ///   in it.
    public static func picture(_ picture: Data) async throws -> Invitation {
        try await cancellable { try await Invitation.fromQrImage(bytes: picture, cancel: $0) }
    }
}
