import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// What went wrong in a test's own machinery.
struct Broken: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// `cardea-server dev` on a test clock, with a folder of its own. The program is named by `CARDEA_SERVER`.
final class Server {
    let folder: URL
    private(set) var service = ""
    private(set) var http = ""
    /// Where devices find it.
    private(set) var channel = ""
    private(set) var statusKey = ""
    private(set) var adminKey = ""
    private var process: Process?
    private var ports = ["127.0.0.1:0", "127.0.0.1:0"]
    private var clock: UInt64?

    private let more: [String]

    /// A server whose services hash PINs as cheaply as only tests may, or as real ones do; and what else it is told.
    init(realHashing: Bool = false, settings: [String] = []) throws {
        more = (realHashing ? [] : ["--test-argon2"]) + settings.flatMap { ["--set", $0] }
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("cardea-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try start()
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(at: folder)
    }

    func start() throws {
        let environment = ProcessInfo.processInfo.environment
        guard let program = environment["CARDEA_SERVER"] else { throw Broken("CARDEA_SERVER names no server") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        let time = clock.map { "--test-clock=\($0)" } ?? "--test-clock"
        process.arguments = [
            "dev", time, "--json", "--window", "60", "--http", ports[0], "--channel", ports[1],
            "--data-dir", folder.appendingPathComponent("data").path,
        ] + more
        // None of the caller's own settings.
        process.environment = environment.filter { !$0.key.hasPrefix("CARDEA_") }
        let out = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = out
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process = process
        var line = Data()
        while true {
            let byte = out.fileHandleForReading.readData(ofLength: 1)
            if byte.isEmpty { throw Broken("the server did not start") }
            if byte.first == UInt8(ascii: "\n") { break }
            line += byte
        }
        guard let ready = try JSONSerialization.jsonObject(with: line) as? [String: Any],
            let http = ready["http"] as? String, let dev = ready["dev"] as? [String: Any],
            let channel = ready["channel"] as? String
        else { throw Broken("the server is not ready but says \(String(decoding: line, as: UTF8.self))") }
        self.http = String(http.dropFirst("http://".count))
        self.channel = channel
        ports = [self.http, channel]
        if clock == nil {
            service = dev["service"] as? String ?? ""
            statusKey = dev["statusKey"] as? String ?? ""
            adminKey = dev["adminKey"] as? String ?? ""
            clock = try self.time(advancing: 0)
        }
    }

    func stop() {
        guard let process else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        self.process = nil
    }

    func signal(_ number: Int32) {
        if let process { kill(process.processIdentifier, number) }
    }

    private func time(advancing seconds: UInt64) throws -> UInt64 {
        let answer = try post("/dev/clock", #"{"advance":\#(seconds)}"#)
        guard let now = answer["now"] as? UInt64 ?? (answer["now"] as? Int).map(UInt64.init) else {
            throw Broken("the clock says \(answer)")
        }
        return now
    }

    func advance(_ seconds: UInt64) throws { clock = try time(advancing: seconds) }

    /// What a relying party is told.
    func check(_ user: String) throws -> Int {
        let target = "/token/status?id=\(encoded(user))&service=\(service)&authKey=\(statusKey)"
        let answer = try get(target)
        if let number = answer["status"] as? Int { return number }
        // A user that was never invited is not known.
        return 0
    }

    /// An administrator's call; `more` is JSON members, each with a comma before it.
    @discardableResult
    func call(_ name: String, _ user: String? = nil, _ more: String = "") throws -> [String: Any] {
        let about = user.map { #""id":"\#($0)","# } ?? ""
        return try post("/token/\(name)", #"{\#(about)"service":"\#(service)","authKey":"\#(adminKey)"\#(more)}"#)
    }

    func look(_ name: String, _ query: String) throws -> [String: Any] {
        try get("/token/\(name)?service=\(service)&authKey=\(adminKey)&\(query)")
    }

    func encoded(_ text: String) -> String {
        text.utf8.map { String(format: "%%%02X", $0) }.joined()
    }

    /// What an administrator reads, as it is sent.
    func body(_ name: String, _ query: String) throws -> Data {
        try exchange("GET", "/token/\(name)?service=\(service)&authKey=\(adminKey)&\(query)")
    }

    private func get(_ target: String) throws -> [String: Any] {
        try read(exchange("GET", target), of: target)
    }

    private func post(_ target: String, _ body: String) throws -> [String: Any] {
        try read(exchange("POST", target, body), of: target)
    }

    private func read(_ body: Data, of target: String) throws -> [String: Any] {
        let said = try JSONSerialization.jsonObject(with: body) as? [String: Any] ?? [:]
        if let error = said["message"] as? String, said["error"] as? String != "unknown-token" {
            throw Broken("\(target.prefix { $0 != "?" }) is refused: \(error)")
        }
        return said
    }

    private func exchange(_ method: String, _ target: String, _ body: String = "") throws -> Data {
        let request =
            "\(method) \(target) HTTP/1.1\r\nHost: \(http)\r\nConnection: close\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let descriptor = try Socket.connected(to: http)
        defer { close(descriptor) }
        guard Socket.send(Array(request.utf8)[...], to: descriptor) else { throw Broken("the server does not read") }
        var answer = Data()
        while case let piece = Socket.receive(from: descriptor), !piece.isEmpty { answer += piece }
        guard let end = answer.range(of: Data("\r\n\r\n".utf8)) else { throw Broken("no answer to \(target)") }
        return Data(answer[end.upperBound...])
    }
}
