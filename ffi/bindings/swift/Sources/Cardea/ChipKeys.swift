import Foundation

/// What a status of the Keychain says. The numbers are Apple's; here they are known everywhere, so that what follows from them
/// is tested everywhere, too.
package enum KeychainAnswer: Equatable, Sendable {
    /// It was done, or found.
    case done
    /// There certainly is none.
    case nothing
    /// Neither is known: whatever is there stays as it is.
    case refused(SecretItemsError)

    /// - Parameter status: an `OSStatus`.
    package init(_ status: Int32) {
        switch status {
        case 0: self = .done  // errSecSuccess
        case -25300: self = .nothing  // errSecItemNotFound
        // Locked, not before the first unlock, or the holder said no: errSecInteractionNotAllowed, errSecInteractionRequired,
        // errSecAuthFailed, errSecUserCanceled.
        case -25308, -25315, -25293, -128: self = .refused(.denied)
        case -34: self = .refused(.full)  // errSecDiskFull
        default: self = .refused(.failed("the Keychain says \(status)"))
        }
    }

    /// Whether it is there. Throws where that is not known.
    package func isThere() throws -> Bool {
        switch self {
        case .done: return true
        case .nothing: return false
        case .refused(let error): throw error
        }
    }
}

/// Keys of one name that never leave a chip: of the Secure Enclave on Apple systems.
package protocol ChipKeys: Sendable {
    /// One of them.
    associatedtype Key

    /// All that are there, with the `OSStatus` of looking.
    func find() -> (status: Int32, keys: [Key])
    /// Makes one that stays.
    func make() throws -> Key
    /// Encrypts for it.
    func encrypt(_ secret: Data, for key: Key) throws -> Data
    /// Decrypts with it; nothing if this was not encrypted for it, or cannot be decrypted now.
    func decrypt(_ wrapped: Data, with key: Key) -> Data?
}

/// Wraps with a key of a chip. A key is made only where there certainly is none.
package struct ChipWrapper<Keys: ChipKeys>: SecretWrapper {
    private let chip: Keys

    package init(_ chip: Keys) { self.chip = chip }

    /// Encrypts for the key that is there, or for a new one.
    package func wrap(_ secret: Data) throws -> Data {
        try chip.encrypt(secret, for: try keys().first ?? chip.make())
    }

    /// Decrypts with the key that it was encrypted for. Makes none: a new one could not.
    package func unwrap(_ wrapped: Data) throws -> Data {
        // Two programs that begin at the same moment may have made a key each.
        for key in try keys() {
            if let secret = chip.decrypt(wrapped, with: key) { return secret }
        }
        throw SecretItemsError.failed("the key of the secret is gone, or the chip refuses")
    }

    private func keys() throws -> [Keys.Key] {
        let (status, keys) = chip.find()
        return try KeychainAnswer(status).isThere() ? keys : []
    }
}
