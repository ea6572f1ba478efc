import CardeaGenerated

/// What the host program brings, under a name that Foundation does not use, too.
public typealias WalletHost = CardeaGenerated.Host

extension Wallet {
    /// Opens the wallet in the folder that the options name, making it if it is not there; without a folder, one in
    /// memory. A host that keeps the secret of a folder is refused without one (`CardeaError.Misuse` with code 117).
    public static func open(_ options: WalletOptions = WalletOptions(), host: WalletHost = WalletHost()) async throws -> Wallet {
        try await cancellable { try await openWallet(options: options, host: host, cancel: $0) }
    }

    /// All tokens, in a stable order. Asks nobody.
    public func tokens() async throws -> [Token] {
        try await cancellable { try await self.tokens(cancel: $0) }
    }

    /// The token of this name. Asks nobody.
    public func token(_ id: String) async throws -> Token {
        try await cancellable { try await self.token(id: id, cancel: $0) }
    }

    /// What the service asks of PINs. Asks the server, and uses nothing up.
    public func policy(_ invitation: Invitation) async throws -> Policy {
        try await cancellable { try await self.policy(invitation: invitation, cancel: $0) }
    }

    /// Closes all tokens at once, and says of each what came of it.
    public func closeAll() async throws -> [Closed] {
        try await cancellable { try await self.closeAll(cancel: $0) }
    }

    /// Accepts an invitation.
    public func enroll(_ invitation: Invitation, _ pins: NewPins) async throws -> Enrollment {
        try await cancellable { try await self.enroll(invitation: invitation, pins: pins, cancel: $0) }
    }
}

extension Live {
    /// Ends the sessions, and waits until no connection is left.
    public func stop() async throws {
        try await cancellable { try await self.stop(cancel: $0) }
    }
}
