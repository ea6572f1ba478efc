import CardeaGenerated
import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Overwrites bytes with a call that no compiler leaves out.
private func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
    // An empty array begins nowhere.
    guard let start = bytes.baseAddress else { return }
    #if canImport(Darwin)
    memset_s(start, bytes.count, 0, bytes.count)
    #else
    explicit_bzero(start, bytes.count)
    #endif
}

extension Data {
    /// Takes bytes over: they are wiped at once, and what was made of them when the last copy of this is gone, however the
    /// call ends that it was made for.
    ///
    /// - Parameters:
    ///   - bytes: what to take over.
    ///   - wiped: called with the memory before it is freed.
    package init(
        wiping bytes: inout [UInt8], wiped: @escaping @Sendable (UnsafeRawBufferPointer) -> Void = { _ in }
    ) {
        // So few bytes as a PIN has would be inside of `Data` itself, and copied with it to wherever it goes. A piece from
        // the middle of more is not: all its copies share one place.
        let count = bytes.count + 32
        let start = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 1)
        let used = 1..<(1 + bytes.count)
        let place = UnsafeMutableRawBufferPointer(start: start, count: count)
        place.initializeMemory(as: UInt8.self, repeating: 0)
        place[used].copyBytes(from: bytes)
        bytes.withUnsafeMutableBytes(wipe)
        bytes.removeAll()
        let whole = Data(
            bytesNoCopy: start, count: count,
            deallocator: .custom { start, count in
                wipe(UnsafeMutableRawBufferPointer(start: start, count: count))
                wiped(UnsafeRawBufferPointer(start: start, count: count))
                start.deallocate()
            })
        self = whole[used]
    }
}

extension Approval {
    /// Approval by a PIN, given as ASCII digits, which are wiped; what the approval keeps is wiped when it is gone.
    public static func pin(wiping digits: inout [UInt8]) -> Approval {
        .pin(digits: Data(wiping: &digits))
    }

    /// Approval by a PIN that is a text already. A `String` cannot be wiped: prefer ``pin(wiping:)``.
    public static func pin(_ digits: String) -> Approval {
        .pin(digits: Data(digits.utf8))
    }
}

extension ApprovalAnswer {
    /// The answer of a ``Presence`` with a PIN, given as ASCII digits, which are wiped as by ``Approval/pin(wiping:)``.
    public static func pin(wiping digits: inout [UInt8]) -> ApprovalAnswer {
        .pin(digits: Data(wiping: &digits))
    }
}

extension NewPins {
    /// The PINs that the holder chose, given as ASCII digits, which are wiped; what this keeps of them is wiped when it is gone.
    ///
    /// - Parameters:
    ///   - normal: opens.
    ///   - duress: each opens and raises the alarm. Services may not want any.
    ///   - biometric: 32 random bytes that the operating system gives out for a finger or a face only. They are the caller's
    ///     to wipe.
    public static func wiping(
        _ normal: inout [UInt8], duress: inout [[UInt8]], biometric: Data? = nil
    ) -> NewPins {
        defer { duress.removeAll() }
        return NewPins(
            normal: Data(wiping: &normal), duress: duress.indices.map { Data(wiping: &duress[$0]) }, biometric: biometric)
    }

    /// The same for PINs that are texts already. A `String` cannot be wiped: prefer ``wiping(_:duress:biometric:)``.
    public init(_ normal: String, duress: [String] = [], biometric: Data? = nil) {
        self.init(normal: Data(normal.utf8), duress: duress.map { Data($0.utf8) }, biometric: biometric)
    }
}
