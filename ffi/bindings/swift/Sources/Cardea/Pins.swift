import CardeaGenerated
import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Overwrites bytes before they are freed, with a call that no compiler leaves out.
func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { buffer in
        guard let start = buffer.baseAddress else { return }
        #if canImport(Darwin)
        memset_s(start, buffer.count, 0, buffer.count)
        #else
        explicit_bzero(start, buffer.count)
        #endif
    }
    bytes.removeAll(keepingCapacity: false)
}

extension Approval {
    /// Approval by a PIN, given as ASCII digits, which are wiped.
    ///
    /// The copy that travels into the library is wiped there.
    public static func pin(wiping digits: inout [UInt8]) -> Approval {
        defer { wipe(&digits) }
        return .pin(digits: Data(digits))
    }

    /// Approval by a PIN that is a text already. A `String` cannot be wiped: prefer ``pin(wiping:)``.
    public static func pin(_ digits: String) -> Approval {
        .pin(digits: Data(digits.utf8))
    }
}

extension NewPins {
    /// The PINs that the holder chose, given as ASCII digits, which are wiped.
    ///
    /// - Parameters:
    ///   - normal: opens.
    ///   - duress: each opens and raises the alarm. Services may not want any.
    ///   - biometric: 32 random bytes that the operating system gives out for a finger or a face only.
    public static func wiping(
        _ normal: inout [UInt8], duress: inout [[UInt8]], biometric: Data? = nil
    ) -> NewPins {
        defer {
            wipe(&normal)
            for index in duress.indices { wipe(&duress[index]) }
            duress.removeAll()
        }
        return NewPins(normal: Data(normal), duress: duress.map { Data($0) }, biometric: biometric)
    }

    /// The same for PINs that are texts already. A `String` cannot be wiped: prefer ``wiping(_:duress:biometric:)``.
    public init(_ normal: String, duress: [String] = [], biometric: Data? = nil) {
        self.init(normal: Data(normal.utf8), duress: duress.map { Data($0.utf8) }, biometric: biometric)
    }
}
