import Cardea
import Foundation
import XCTest

/// Items in memory, which do what they are told to do wrong.
final class Items: SecretItems, @unchecked Sendable {
    enum Fault { case none, full, denied, throwing, lying, forgetful }
    var fault = Fault.none
    var kept: [String: Data] = [:]
    /// Done before anything is read.
    var before: @Sendable () -> Void = {}

    func read(_ name: String) throws -> Data? {
        before()
        switch fault {
        case .denied: throw SecretItemsError.denied
        case .throwing: throw Mishap()
        case .lying: return Data([1, 0, 0])
        default: return kept[name]
        }
    }

    func write(_ name: String, _ item: Data) throws {
        switch fault {
        case .full: throw SecretItemsError.full
        case .denied: throw SecretItemsError.denied
        case .throwing: throw Mishap()
        case .forgetful: return
        default: kept[name] = item
        }
    }

    func delete(_ name: String) throws { kept[name] = nil }
}

/// Wraps as badly as only a test may.
struct Flip: SecretWrapper {
    func wrap(_ secret: Data) throws -> Data { Data(secret.map { ~$0 }) }
    func unwrap(_ wrapped: Data) throws -> Data { Data(wrapped.map { ~$0 }) }
}

final class SecretTests: XCTestCase {
    func testASecretComesBackWrappedOrNot() throws {
        for wrapper in [nil, Flip()] {
            let items = Items()
            let store = ItemSecretStore(items: items, wrapper: wrapper)
            XCTAssertNil(try store.load(name: "key"))
            try store.save(name: "key", secret: Data([4, 5, 6]))
            XCTAssertEqual(try store.load(name: "key"), Data([4, 5, 6]))
            XCTAssertEqual(items.kept["key"]?.first, wrapper == nil ? 1 : 2)
            XCTAssertEqual(items.kept["key"]?.dropFirst() == Data([4, 5, 6]), wrapper == nil)
            try store.remove(name: "key")
            XCTAssertNil(try store.load(name: "key"))
        }
    }

    func testAnItemThatWasNotKeptIsAnErrorAtOnce() {
        for (fault, expected) in [
            (Items.Fault.full, HostError.Full), (.denied, .Denied), (.forgetful, .Failed(reason: "the secret was not kept")),
            (.lying, .Failed(reason: "the secret was not kept")), (.throwing, .Failed(reason: "the store of secrets failed")),
        ] {
            let items = Items()
            items.fault = fault
            XCTAssertThrowsError(try ItemSecretStore(items: items).save(name: "key", secret: Data([4]))) {
                XCTAssertEqual($0 as? HostError, expected)
            }
        }
    }

    func testAWrappedSecretIsNotTakenForAnotherAndADamagedOneForNone() throws {
        let items = Items()
        try ItemSecretStore(items: items, wrapper: Flip()).save(name: "key", secret: Data([4]))
        XCTAssertThrowsError(try ItemSecretStore(items: items).load(name: "key"))
        items.kept["key"] = Data([9, 4])
        XCTAssertThrowsError(try ItemSecretStore(items: items).load(name: "key"))
        items.kept["key"] = Data()
        XCTAssertThrowsError(try ItemSecretStore(items: items).load(name: "key"))
    }

    private func options(_ folder: URL) -> WalletOptions {
        WalletOptions(folder: folder.path, allowTestArgon2: true, recoverInBackground: false, transport: .tcp)
    }

    func testAWalletWhoseSecretIsGoneWrongOrOutOfReachIsAnErrorAndNeverEmpty() async throws {
        let server = try Server()
        let folder = server.folder.appendingPathComponent("secret")
        let items = Items()
        let host = WalletHost(secrets: ItemSecretStore(items: items, wrapper: Flip()))
        let link = try XCTUnwrap(server.call("enroll", "joe")["link"] as? String)
        do {
            let wallet = try await Wallet.open(options(folder), host: host)
            _ = try await wallet.enroll(Invitation.fromText(text: link), NewPins("274951"))
        }
        XCTAssertEqual(items.kept.count, 1)
        let name = try XCTUnwrap(items.kept.keys.first)
        let whole = try XCTUnwrap(items.kept[name])
        let again = try await Wallet.open(options(folder), host: host).tokens()
        XCTAssertEqual(again.count, 1)

        func refused(_ number: UInt32, _ what: String) async {
            do {
                _ = try await Wallet.open(options(folder), host: host)
                XCTFail("opened: \(what)")
            } catch let error as CardeaError {
                XCTAssertEqual(error.code, number, what)
            } catch {
                XCTFail("\(what): \(error)")
            }
        }
        items.kept = [:]
        await refused(135, "lost")
        items.kept[name] = whole.dropLast() + Data([~(whole.last ?? 0)])
        await refused(134, "another one")
        items.kept[name] = whole
        items.fault = .throwing
        await refused(142, "throws")
        items.fault = .denied
        await refused(142, "denied")
        items.fault = .none
        let last = try await Wallet.open(options(folder), host: host).tokens()
        XCTAssertEqual(last.count, 1)
    }

    func testAFullStoreMakesNoWallet() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cardea-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let items = Items()
        items.fault = .full
        do {
            _ = try await Wallet.open(options(folder), host: WalletHost(secrets: ItemSecretStore(items: items)))
            XCTFail("there is no room for its secret")
        } catch let error as CardeaError {
            XCTAssertEqual(error.code, 142)
        }
        items.fault = .none
        let wallet = try await Wallet.open(options(folder), host: WalletHost(secrets: ItemSecretStore(items: items)))
        let tokens = try await wallet.tokens()
        XCTAssertEqual(tokens.count, 0)
    }

    func testAStoreOfSecretsWithoutAFolderIsRefusedAndNotAsked() async throws {
        let items = Items()
        items.before = { XCTFail("it was asked") }
        let host = WalletHost(secrets: ItemSecretStore(items: items))
        let code = try await number { _ = try await Wallet.open(.tests(), host: host) }
        XCTAssertEqual(code, 117)
        XCTAssertEqual(items.kept, [:])
    }
}
