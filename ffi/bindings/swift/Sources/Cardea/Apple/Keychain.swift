// Compiled on Apple systems only. What can be decided without them is in Secrets.swift and ChipKeys.swift.
#if canImport(Security)
import CardeaGenerated
import CryptoKit
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
        guard try KeychainAnswer(SecItemCopyMatching(wanted as CFDictionary, &found)).isThere() else { return nil }
        guard let item = found as? Data else { throw SecretItemsError.failed("the Keychain has no data in its item") }
        return item
    }

    /// Makes or replaces an item.
    public func write(_ name: String, _ item: Data) throws {
        let content: [CFString: Any] = [
            kSecValueData: item, kSecAttrAccessible: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
        ]
        if try KeychainAnswer(SecItemUpdate(query(name) as CFDictionary, content as CFDictionary)).isThere() { return }
        let added = SecItemAdd(query(name).merging(content) { $1 } as CFDictionary, nil)
        guard try KeychainAnswer(added).isThere() else { throw SecretItemsError.failed("the Keychain says \(added)") }
    }

    /// Removes an item, if there is one.
    public func delete(_ name: String) throws {
        _ = try KeychainAnswer(SecItemDelete(query(name) as CFDictionary)).isThere()
    }
}

/// Wraps the wallet's secret with a key in the Secure Enclave, which is made when it is first needed.
public struct EnclaveWrapper: SecretWrapper {
    private let wrapper: ChipWrapper<EnclaveKeys>

    /// With the key of this name; nothing where there is no Secure Enclave. Asks nobody for the key yet.
    public init?(name: String) {
        guard SecureEnclave.isAvailable else { return nil }
        wrapper = ChipWrapper(EnclaveKeys(tag: Data(name.utf8)))
    }

    /// Encrypts for the key of the Secure Enclave. Throws if it is not known whether there is one, and makes none then.
    public func wrap(_ secret: Data) throws -> Data { try wrapper.wrap(secret) }

    /// Decrypts in the Secure Enclave.
    public func unwrap(_ wrapped: Data) throws -> Data { try wrapper.unwrap(wrapped) }
}

/// The keys of a tag.
private struct EnclaveKeys: ChipKeys {
    private static let algorithm = SecKeyAlgorithm.eciesEncryptionCofactorVariableIVX963SHA256AESGCM
    let tag: Data

    func find() -> (status: Int32, keys: [SecKey]) {
        let query: [CFString: Any] = [
            kSecClass: kSecClassKey, kSecAttrApplicationTag: tag, kSecReturnRef: true, kSecMatchLimit: kSecMatchLimitAll,
            kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom, kSecUseDataProtectionKeychain: true,
        ]
        var found: CFTypeRef?
        let status = SecItemCopyMatching(query as CFDictionary, &found)
        return (status, found as? [SecKey] ?? [])
    }

    func make() throws -> SecKey {
        let access = SecAccessControlCreateWithFlags(
            nil, kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly, .privateKeyUsage, nil)
        guard let access else { throw SecretItemsError.failed("the Secure Enclave cannot be used") }
        let wanted: [CFString: Any] = [
            kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom, kSecAttrKeySizeInBits: 256,
            kSecAttrTokenID: kSecAttrTokenIDSecureEnclave, kSecUseDataProtectionKeychain: true,
            kSecPrivateKeyAttrs: [
                kSecAttrIsPermanent: true, kSecAttrApplicationTag: tag, kSecAttrAccessControl: access,
            ] as [CFString: Any],
        ]
        guard let made = SecKeyCreateRandomKey(wanted as CFDictionary, nil) else {
            throw SecretItemsError.failed("the Secure Enclave makes no key")
        }
        return made
    }

    func encrypt(_ secret: Data, for key: SecKey) throws -> Data {
        guard let open = SecKeyCopyPublicKey(key),
            let wrapped = SecKeyCreateEncryptedData(open, Self.algorithm, secret as CFData, nil)
        else { throw SecretItemsError.failed("the key of the Secure Enclave does not encrypt") }
        return wrapped as Data
    }

    func decrypt(_ wrapped: Data, with key: SecKey) -> Data? {
        SecKeyCreateDecryptedData(key, Self.algorithm, wrapped as CFData, nil) as Data?
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
