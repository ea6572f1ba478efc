import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// Sockets of this machine, for what Foundation has nothing.
enum Socket {
    /// One that is connected to an address such as `127.0.0.1:80`.
    static func connected(to address: String) throws -> Int32 {
        let descriptor = try made()
        guard (withAddress(of: address) { connect(descriptor, $0, $1) }) == 0 else {
            close(descriptor)
            throw Broken("cannot reach \(address)")
        }
        return descriptor
    }

    /// One that listens at an address, whose port may be 0 for a free one.
    static func listening(at address: String) throws -> Int32 {
        let descriptor = try made()
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard (withAddress(of: address) { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 64) == 0 else {
            close(descriptor)
            throw Broken("cannot listen at \(address)")
        }
        return descriptor
    }

    /// The port that it listens at.
    static func port(of descriptor: Int32) -> UInt16 {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    /// Sends all of it, or says that the other side is gone.
    static func send(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Self.send(descriptor, $0) }
            if count <= 0 { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// What has arrived; nothing at the end.
    static func receive(from descriptor: Int32, atMost limit: Int = 65_536) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = read(descriptor, &buffer, buffer.count)
        return Array(buffer.prefix(max(count, 0)))
    }

    private static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
        // A peer that is gone is no signal.
        return Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        #else
        return Darwin.send(descriptor, bytes.baseAddress, bytes.count, 0)
        #endif
    }

    private static func made() throws -> Int32 {
        #if canImport(Glibc)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
        let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        if descriptor < 0 { throw Broken("there are no more sockets") }
        return descriptor
    }

    private static func withAddress<Result>(
        of text: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        let parts = text.split(separator: ":")
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = (UInt16(parts.last ?? "") ?? 0).bigEndian
        address.sin_addr.s_addr = inet_addr(String(parts.first ?? ""))
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
