import CardeaGenerated

extension Token {
    /// What the wallet holds of it. Asks nobody.
    public func info() async throws -> TokenInfo {
        try await cancellable { try await self.info(cancel: $0) }
    }

    /// Opens it, for at most `seconds` if given (at least 2, rounded down to a power of two), and never for longer than the
    /// service says. While it is open this begins a new window from now.
    @discardableResult
    public func open(_ approval: Approval, seconds: UInt64? = nil) async throws -> Status {
        try await cancellable { try await self.open(approval: approval, seconds: seconds, cancel: $0) }
    }

    /// Closes it. Needs no approval.
    @discardableResult
    public func close() async throws -> Status {
        try await cancellable { try await self.close(cancel: $0) }
    }

    /// Asks the server how it stands.
    public func status() async throws -> Status {
        try await cancellable { try await self.status(cancel: $0) }
    }

    /// Replaces all PINs.
    @discardableResult
    public func changePin(_ approval: Approval, to pins: NewPins) async throws -> Status {
        try await cancellable { try await self.changePin(approval: approval, pins: pins, cancel: $0) }
    }

    /// Sets or removes the duress PINs, with the PIN as ASCII digits. All of them are wiped.
    ///
    /// Needs the PIN itself, as it is sent anew with them: neither a biometric key nor asking will do.
    @discardableResult
    public func setDuress(wiping current: inout [UInt8], duress: inout [[UInt8]]) async throws -> Status {
        let pins = NewPins.wiping(&current, duress: &duress)
        return try await cancellable {
            try await self.setDuress(current: pins.normal, duress: pins.duress, cancel: $0)
        }
    }

    /// Gives it up: the server forgets this device, then the wallet does.
    public func unenroll(_ approval: Approval) async throws {
        try await cancellable { try await self.unenroll(approval: approval, cancel: $0) }
    }

    /// The texts that wait for an answer.
    public func confirmations() async throws -> [Confirmation] {
        try await cancellable { try await self.confirmations(cancel: $0) }
    }

    /// Approves a text.
    @discardableResult
    public func approve(_ confirmation: Confirmation, _ approval: Approval) async throws -> Status {
        try await cancellable {
            try await self.approve(confirmation: confirmation, approval: approval, cancel: $0)
        }
    }

    /// Denies a text. Needs no approval.
    @discardableResult
    public func deny(_ confirmation: Confirmation, because reason: DenyReason? = nil) async throws -> Status {
        try await cancellable { try await self.deny(confirmation: confirmation, reason: reason, cancel: $0) }
    }

    /// What the holder is to see of the service.
    public func serviceInfo() async throws -> ServiceInfo {
        try await cancellable { try await self.serviceInfo(cancel: $0) }
    }

    /// The devices of the token, this one among them.
    public func devices() async throws -> [DeviceInfo] {
        try await cancellable { try await self.devices(cancel: $0) }
    }

    /// A page of what was done with the token, newest first.
    public func history(page: UInt8 = 0) async throws -> [HistoryItem] {
        try await cancellable { try await self.history(page: page, cancel: $0) }
    }

    /// Revokes another device of the token and closes the token.
    @discardableResult
    public func revoke(device: String, _ approval: Approval) async throws -> Status {
        try await cancellable { try await self.revokeDevice(device: device, approval: approval, cancel: $0) }
    }

    /// Sets what the holder calls the token. Stays in this wallet.
    public func setLabel(_ label: String) async throws {
        try await cancellable { try await self.setLabel(label: label, cancel: $0) }
    }

    /// Removes the token from this wallet without telling the server.
    public func forget() async throws {
        try await cancellable { try await self.forget(cancel: $0) }
    }
}
