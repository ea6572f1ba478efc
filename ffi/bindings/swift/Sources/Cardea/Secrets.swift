import CardeaGenerated
import Foundation

/// Where small secrets are kept: the Keychain on Apple systems, anything else in tests.
public protocol SecretItems: Sendable {
    /// The item of this name, if there is one. Throws ``SecretItemsError`` or anything else.
    func read(_ name: String) throws -> Data?
    /// Makes or replaces it.
    func write(_ name: String, _ item: Data) throws
    /// Removes it. It is no error if there is none.
    func delete(_ name: String) throws
}

/// Why an item could not be read or written.
public enum SecretItemsError: Error, Equatable, Sendable {
    /// There is no room.
    case full
    /// The holder, or the system for him, says no.
    case denied
    /// Anything else, in words without secrets.
    case failed(String)
}

/// Encrypts with a key that never leaves a chip: the Secure Enclave on Apple systems.
public protocol SecretWrapper: Sendable {
    /// The secret, encrypted with that key.
    func wrap(_ secret: Data) throws -> Data
    /// What was encrypted. Throws if the key is another one or gone.
    func unwrap(_ wrapped: Data) throws -> Data
}

/// The wallet's secret, in an item, wrapped where that is possible.
///
/// What is written is read again, and unwrapped, before it counts: an item that was not kept makes an error at once, and not
/// a wallet that cannot be opened tomorrow.
public final class ItemSecretStore: SecretStore {
    private let items: any SecretItems
    private let wrapper: (any SecretWrapper)?

    /// How an item begins, so that one that was wrapped is never taken for one that was not.
    private enum Kind: UInt8 {
        case plain = 1
        case wrapped = 2
    }

    /// - Parameters:
    ///   - items: where it is kept.
    ///   - wrapper: encrypts it before; without one it is kept as it is.
    public init(items: any SecretItems, wrapper: (any SecretWrapper)? = nil) {
        self.items = items
        self.wrapper = wrapper
    }

    /// What was saved under the name; nothing if nothing was. Throws `HostError`.
    public func load(name: String) throws -> Data? {
        try translated { try kept(name) }
    }

    /// Keeps it, and reads it again to be sure. Throws `HostError`.
    public func save(name: String, secret: Data) throws {
        try translated {
            let item = try wrapper.map { Data([Kind.wrapped.rawValue]) + (try $0.wrap(secret)) }
                ?? Data([Kind.plain.rawValue]) + secret
            try items.write(name, item)
            guard try kept(name) == secret else { throw SecretItemsError.failed("the secret was not kept") }
        }
    }

    /// Removes it, if it is there. Throws `HostError`.
    public func remove(name: String) throws {
        try translated { try items.delete(name) }
    }

    private func kept(_ name: String) throws -> Data? {
        guard let item = try items.read(name) else { return nil }
        let content = Data(item.dropFirst())
        switch (item.first.flatMap(Kind.init(rawValue:)), wrapper) {
        case (.plain, _): return content
        case (.wrapped, .some(let wrapper)): return try wrapper.unwrap(content)
        case (.wrapped, .none): throw SecretItemsError.failed("the secret is bound to a chip that is not there")
        case (.none, _): throw SecretItemsError.failed("the stored secret is damaged")
        }
    }

    /// In the library's words.
    private func translated<Result>(_ call: () throws -> Result) throws -> Result {
        do {
            return try call()
        } catch SecretItemsError.full {
            throw HostError.Full
        } catch SecretItemsError.denied {
            throw HostError.Denied
        } catch SecretItemsError.failed(let reason) {
            throw HostError.Failed(reason: reason)
        } catch {
            throw HostError.Failed(reason: "the store of secrets failed")
        }
    }
}
