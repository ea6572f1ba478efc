import CardeaFFI
import CardeaGenerated
import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// The library once more in the same program: loaded from a copy of its file, and called by its C functions, as the generated
/// Swift calls the first one. The two share nothing but the program.
final class Copy: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer

    /// A call that has begun.
    typealias Future = UInt64
    private typealias Continuation = @convention(c) (UInt64, Int8) -> Void
    private typealias Poll = @convention(c) (Future, Continuation, UInt64) -> Void
    private typealias Status = UnsafeMutablePointer<RustCallStatus>

    init(of file: URL, at place: URL) throws {
        try FileManager.default.copyItem(at: file, to: place)
        guard let handle = dlopen(place.path, RTLD_NOW | RTLD_LOCAL) else {
            throw Broken("the copy was not loaded: \(dlerror().map { String(cString: $0) } ?? "")")
        }
        self.handle = handle
    }

    /// A function of the copy, and not of the first library.
    private func function<F>(_ name: String, as type: F.Type) throws -> F {
        guard let address = dlsym(handle, name) else { throw Broken("the copy has no \(name)") }
        // What the program itself is linked to has all of these, too.
        if address == dlsym(nil, name) { throw Broken("\(name) is not of the copy") }
        return unsafeBitCast(address, to: type)
    }

    /// Bytes as the copy takes them over.
    private func buffer(_ bytes: [UInt8]) throws -> RustBuffer {
        let make = try function(
            "ffi_cardea_ffi_rustbuffer_from_bytes", as: (@convention(c) (ForeignBytes, Status) -> RustBuffer).self)
        return try checked { status in
            bytes.withUnsafeBufferPointer { make(ForeignBytes(len: Int32($0.count), data: $0.baseAddress), status) }
        }
    }

    /// The bytes of a buffer of the copy, which is freed.
    private func bytes(_ buffer: RustBuffer) throws -> [UInt8] {
        let free = try function("ffi_cardea_ffi_rustbuffer_free", as: (@convention(c) (RustBuffer, Status) -> Void).self)
        let bytes = Array(UnsafeBufferPointer(start: buffer.data, count: Int(buffer.len)))
        try checked { free(buffer, $0) }
        return bytes
    }

    private func checked<Result>(_ call: (Status) -> Result) throws -> Result {
        var status = RustCallStatus()
        let result = call(&status)
        if status.code != 0 { throw Broken("the copy answers with an error, \(status.code)") }
        return result
    }

    /// Waits until a call is done, as the generated code does. `kind` is what it returns, as the library names it.
    private func wait(for future: Future, _ kind: String) async throws {
        let poll = try function("ffi_cardea_ffi_rust_future_poll_\(kind)", as: Poll.self)
        while true {
            let said = await withCheckedContinuation { (done: CheckedContinuation<Int8, Never>) in
                let held = Unmanaged.passRetained(Held(done)).toOpaque()
                poll(future, { Held.take($0).done.resume(returning: $1) }, UInt64(UInt(bitPattern: held)))
            }
            if said == 0 { return }
        }
    }

    private func handle(of future: Future) async throws -> UInt64 {
        try await wait(for: future, "u64")
        typealias Complete = @convention(c) (Future, Status) -> UInt64
        let complete = try function("ffi_cardea_ffi_rust_future_complete_u64", as: Complete.self)
        let free = try function("ffi_cardea_ffi_rust_future_free_u64", as: (@convention(c) (Future) -> Void).self)
        defer { free(future) }
        return try checked { complete(future, $0) }
    }

    private func bytes(of future: Future) async throws -> [UInt8] {
        try await wait(for: future, "rust_buffer")
        typealias Complete = @convention(c) (Future, Status) -> RustBuffer
        let complete = try function("ffi_cardea_ffi_rust_future_complete_rust_buffer", as: Complete.self)
        let free = try function("ffi_cardea_ffi_rust_future_free_rust_buffer", as: (@convention(c) (Future) -> Void).self)
        defer { free(future) }
        return try bytes(checked { complete(future, $0) })
    }

    private final class Held {
        let done: CheckedContinuation<Int8, Never>
        init(_ done: CheckedContinuation<Int8, Never>) { self.done = done }

        static func take(_ number: UInt64) -> Held {
            Unmanaged<Held>.fromOpaque(UnsafeRawPointer(bitPattern: UInt(number))!).takeRetainedValue()
        }
    }

    func version() throws -> String {
        let call = try function("uniffi_cardea_ffi_fn_func_version", as: (@convention(c) (Status) -> RustBuffer).self)
        return String(decoding: try bytes(checked { call($0) }), as: UTF8.self)
    }

    /// The first token of the wallet in a folder.
    func token(in options: WalletOptions) async throws -> UInt64 {
        typealias Open = @convention(c) (RustBuffer, RustBuffer, RustBuffer) -> Future
        typealias Tokens = @convention(c) (UInt64, RustBuffer) -> Future
        var lowered: [UInt8] = []
        FfiConverterTypeWalletOptions.write(options, into: &lowered)
        // Nothing of a host, and nothing to cancel with.
        let open = try function("uniffi_cardea_ffi_fn_func_open_wallet", as: Open.self)(
            buffer(lowered), buffer([0, 0, 0, 0, 0]), buffer([0]))
        let wallet = try await handle(of: open)
        let tokens = try function("uniffi_cardea_ffi_fn_method_wallet_tokens", as: Tokens.self)(wallet, buffer([0]))
        let list = try await bytes(of: tokens)
        // How many, and then each one's number, all of them big-endian.
        guard list.count >= 12, list[..<4].contains(where: { $0 != 0 }) else { throw Broken("the copy sees no token") }
        return list[4..<12].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Opens or closes a token of the copy; its state afterwards.
    func set(_ token: UInt64, open: Bool) async throws -> State {
        let future: Future
        if open {
            var approval: [UInt8] = []
            FfiConverterTypeApproval.write(.pin(digits: Data("274951".utf8)), into: &approval)
            typealias Open = @convention(c) (UInt64, RustBuffer, RustBuffer, RustBuffer) -> Future
            future = try function("uniffi_cardea_ffi_fn_method_token_open", as: Open.self)(
                cloned(token), buffer(approval), buffer([0]), buffer([0]))
        } else {
            typealias Close = @convention(c) (UInt64, RustBuffer) -> Future
            future = try function("uniffi_cardea_ffi_fn_method_token_close", as: Close.self)(cloned(token), buffer([0]))
        }
        let status = try await bytes(of: future)
        var reader = (data: Data(status), offset: Data.Index(0))
        return try FfiConverterTypeStatus.read(from: &reader).state
    }

    /// Every call takes over the number that it is given.
    private func cloned(_ token: UInt64) throws -> UInt64 {
        typealias Clone = @convention(c) (UInt64, Status) -> UInt64
        let clone = try function("uniffi_cardea_ffi_fn_clone_token", as: Clone.self)
        return try checked { clone(token, $0) }
    }
}
