import Cardea
import Foundation
import XCTest

#if canImport(Security)
import Security
#endif

/// A chip whose keys are numbers. Wraps as badly as only a test may.
private final class Chip: ChipKeys, @unchecked Sendable {
    var keys: [UInt8] = []
    /// What looking for keys comes to, in place of what is true.
    var status: Int32?
    var makes = true
    private(set) var made = 0

    func find() -> (status: Int32, keys: [UInt8]) { (status ?? (keys.isEmpty ? -25300 : 0), keys) }

    func make() throws -> UInt8 {
        made += 1
        guard makes else { throw SecretItemsError.failed("broken") }
        keys.append(UInt8(made))
        return UInt8(made)
    }

    func encrypt(_ secret: Data, for key: UInt8) -> Data { Data([key]) + Data(secret.map { ~$0 }) }

    func decrypt(_ wrapped: Data, with key: UInt8) -> Data? {
        wrapped.first == key ? Data(wrapped.dropFirst().map { ~$0 }) : nil
    }
}

final class ChipTests: XCTestCase {
    private let secret = Data([4, 5, 6])

    func testOneKeyIsMadeAndUsedFromThenOn() throws {
        let chip = Chip()
        let wrapped = try ChipWrapper(chip).wrap(secret)
        XCTAssertEqual(try ChipWrapper(chip).unwrap(wrapped), secret)
        XCTAssertEqual(try ChipWrapper(chip).unwrap(ChipWrapper(chip).wrap(secret)), secret)
        XCTAssertEqual(chip.made, 1)
    }

    func testNoKeyIsMadeWhereItIsNotKnownThatThereIsNone() throws {
        // Locked; the holder is needed; not allowed; said no; no Keychain; no entitlement; a full disk; who knows.
        for status in [-25308, -25315, -25293, -128, -25291, -34018, -34, 1] as [Int32] {
            let (chip, items) = (Chip(), Items())
            chip.status = status
            let store = ItemSecretStore(items: items, wrapper: ChipWrapper(chip))
            XCTAssertThrowsError(try store.save(name: "key", secret: secret), "\(status)")
            XCTAssertEqual(items.kept, [:], "kept without being wrapped, after \(status)")
            XCTAssertEqual(chip.made, 0, "\(status)")
            // The same with a key that is there.
            chip.status = nil
            try store.save(name: "key", secret: secret)
            chip.status = status
            XCTAssertThrowsError(try store.load(name: "key"), "\(status)")
            XCTAssertThrowsError(try store.save(name: "key", secret: Data([7])), "\(status)")
            chip.status = nil
            XCTAssertEqual(try store.load(name: "key"), secret)
            XCTAssertEqual(chip.made, 1, "\(status)")
        }
    }

    func testAChipThatMakesNoKeyIsAnErrorAndTheSecretIsNotKeptWithoutIt() {
        let (chip, items) = (Chip(), Items())
        chip.makes = false
        XCTAssertThrowsError(try ItemSecretStore(items: items, wrapper: ChipWrapper(chip)).save(name: "key", secret: secret)) {
            XCTAssertEqual($0 as? HostError, .Failed(reason: "broken"))
        }
        XCTAssertEqual(items.kept, [:])
    }

    func testOfTwoKeysTheOneThatFitsIsUsed() throws {
        let chip = Chip()
        let wrapped = try ChipWrapper(chip).wrap(secret)
        // As made by another program at the same moment, and found first.
        chip.keys.insert(9, at: 0)
        XCTAssertEqual(try ChipWrapper(chip).unwrap(wrapped), secret)
    }

    func testASecretWhoseKeyIsGoneIsAnErrorAndNoNewKeyIsMade() throws {
        let chip = Chip()
        let wrapped = try ChipWrapper(chip).wrap(secret)
        for keys in [[], [9]] as [[UInt8]] {
            chip.keys = keys
            XCTAssertThrowsError(try ChipWrapper(chip).unwrap(wrapped))
            XCTAssertEqual(chip.made, 1)
        }
    }

    func testASecretThatDoesNotComeBackUnwrappedIsAnErrorAtOnce() {
        struct OneWay: SecretWrapper {
            func wrap(_ secret: Data) -> Data { Data(secret.map { ~$0 }) }
            func unwrap(_ wrapped: Data) -> Data { wrapped }
        }
        XCTAssertThrowsError(try ItemSecretStore(items: Items(), wrapper: OneWay()).save(name: "key", secret: secret)) {
            XCTAssertEqual($0 as? HostError, .Failed(reason: "the secret was not kept"))
        }
    }

    func testWhatTheKeychainSays() {
        XCTAssertEqual(KeychainAnswer(0), .done)
        XCTAssertEqual(KeychainAnswer(-25300), .nothing)
        for denied in [-25308, -25315, -25293, -128] as [Int32] { XCTAssertEqual(KeychainAnswer(denied), .refused(.denied)) }
        XCTAssertEqual(KeychainAnswer(-34), .refused(.full))
        XCTAssertEqual(KeychainAnswer(-34018), .refused(.failed("the Keychain says -34018")))
        #if canImport(Security)
        XCTAssertEqual(KeychainAnswer(errSecSuccess), .done)
        XCTAssertEqual(KeychainAnswer(errSecItemNotFound), .nothing)
        for denied in [errSecInteractionNotAllowed, errSecInteractionRequired, errSecAuthFailed, errSecUserCanceled] {
            XCTAssertEqual(KeychainAnswer(denied), .refused(.denied))
        }
        XCTAssertEqual(KeychainAnswer(errSecDiskFull), .refused(.full))
        #endif
    }
}
