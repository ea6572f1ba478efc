// Compiled on Apple systems only. What can be decided without them is in Secrets.swift.
#if canImport(Security)
import CardeaGenerated
import Foundation
import Security

/// Items of the Keychain that stay on this device and can be read once it was unlocked after its start.
public struct KeychainItems: SecretItems {
    private let service: String

    /// - Parameter service: sets the wallet's items apart from others of the app.
    public init(service: String) { self.service = service }

    private func query(_ name: String) -> [CFString: Any] {
        [
            kSecClass: kSecClassGenericPassword, kSecAttrService: service, kSecAttrAccount: name,
            kSecUseDataProtectionKeychain: true,
        ]
    }

    /// Reads an item; nothing if there is none.
    public func read(_ name: String) throws -> Data? {
        var found: CFTypeRef?
        let wanted = query(name).merging([kSecReturnData: true]) { $1 }
        let status = SecItemCopyMatching(wanted as CFDictionary, &found)
        if status == errSecItemNotFound { return nil }
        try check(status)
        return found as? Data
    }

    /// Makes or replaces an item.
    public func write(_ name: String, _ item: Data) throws {
        let content: [CFString: Any] = [
            kSecValueData: item, kSecAttrAccessible: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
        ]
        let status = SecItemUpdate(query(name) as CFDictionary, content as CFDictionary)
        if status != errSecItemNotFound { return try check(status) }
        try check(SecItemAdd(query(name).merging(content) { $1 } as CFDictionary, nil))
    }

    /// Removes an item, if there is one.
    public func delete(_ name: String) throws {
        let status = SecItemDelete(query(name) as CFDictionary)
        if status != errSecItemNotFound { try check(status) }
    }

    private func check(_ status: OSStatus) throws {
        switch status {
        case errSecSuccess: return
        case errSecInteractionNotAllowed, errSecAuthFailed, errSecUserCanceled: throw SecretItemsError.denied
        case errSecDiskFull: throw SecretItemsError.full
        default: throw SecretItemsError.failed("the Keychain says \(status)")
        }
    }
}

/// A key in the Secure Enclave that wraps the wallet's secret.
public struct EnclaveWrapper: SecretWrapper {
    private static let algorithm = SecKeyAlgorithm.eciesEncryptionCofactorVariableIVX963SHA256AESGCM
    private let tag: Data

    /// Finds or makes the key of this name; nothing where there is no Secure Enclave.
    public init?(name: String) {
        tag = Data(name.utf8)
        if (try? key()) == nil { return nil }
    }

    /// Encrypts for the key of the Secure Enclave.
    public func wrap(_ secret: Data) throws -> Data {
        guard let open = SecKeyCopyPublicKey(try key()) else { throw SecretItemsError.failed("the key is damaged") }
        return try done { SecKeyCreateEncryptedData(open, Self.algorithm, secret as CFData, &$0) }
    }

    /// Decrypts in the Secure Enclave.
    public func unwrap(_ wrapped: Data) throws -> Data {
        let key = try key()
        return try done { SecKeyCreateDecryptedData(key, Self.algorithm, wrapped as CFData, &$0) }
    }

    private func key() throws -> SecKey {
        let query: [CFString: Any] = [
            kSecClass: kSecClassKey, kSecAttrApplicationTag: tag, kSecReturnRef: true,
            kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom, kSecUseDataProtectionKeychain: true,
        ]
        var found: CFTypeRef?
        if SecItemCopyMatching(query as CFDictionary, &found) == errSecSuccess, let found {
            return found as! SecKey
        }
        var error: Unmanaged<CFError>?
        let access = SecAccessControlCreateWithFlags(
            nil, kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly, .privateKeyUsage, &error)
        guard let access else { throw SecretItemsError.failed("the Secure Enclave cannot be used") }
        let wanted: [CFString: Any] = [
            kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom, kSecAttrKeySizeInBits: 256,
            kSecAttrTokenID: kSecAttrTokenIDSecureEnclave, kSecUseDataProtectionKeychain: true,
            kSecPrivateKeyAttrs: [
                kSecAttrIsPermanent: true, kSecAttrApplicationTag: tag, kSecAttrAccessControl: access,
            ] as [CFString: Any],
        ]
        guard let made = SecKeyCreateRandomKey(wanted as CFDictionary, &error) else {
            throw SecretItemsError.failed("there is no Secure Enclave")
        }
        return made
    }

    private func done(_ call: (inout Unmanaged<CFError>?) -> CFData?) throws -> Data {
        var error: Unmanaged<CFError>?
        guard let data = call(&error) else { throw SecretItemsError.failed("the Secure Enclave refused") }
        return data as Data
    }
}

extension WalletHost {
    /// Keeps the wallet's secret in the Keychain, wrapped by the Secure Enclave where there is one.
    public static func apple(service: String = "cardea") -> WalletHost {
        let store = ItemSecretStore(items: KeychainItems(service: service), wrapper: EnclaveWrapper(name: service))
        return WalletHost(secrets: store)
    }
}
#endif
