import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// A program of its own (`Tests/CardeaChild`), beside the one that runs the tests.
final class Child: @unchecked Sendable {
    private let process = Process()
    private let out = Pipe()

    init(_ arguments: String...) throws {
        // It is built beside what runs the tests, which is in a bundle of folders on macOS.
        var place = Bundle.main.bundleURL
        while place.pathComponents.count > 1
            && !FileManager.default.isExecutableFile(atPath: place.appendingPathComponent("CardeaChild").path)
        {
            place.deleteLastPathComponent()
        }
        process.executableURL = place.appendingPathComponent("CardeaChild")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = out
        try process.run()
    }

    var pid: Int32 { process.processIdentifier }

    /// The next line that it prints; nothing once it has ended.
    func line() -> String? {
        var line = Data()
        while case let byte = out.fileHandleForReading.readData(ofLength: 1), let first = byte.first {
            if first == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(first)
        }
        return nil
    }

    /// Ends it as the system does with an app in the background, and waits until it is gone.
    func kill() {
        killed(pid)
        process.waitUntilExit()
    }

    /// What it still prints until it ends, and how it ended.
    func end() -> (lines: [String], status: Int32) {
        var lines: [String] = []
        while let line = line() { lines.append(line) }
        process.waitUntilExit()
        return (lines, process.terminationStatus)
    }
}

private func killed(_ pid: Int32) { kill(pid, SIGKILL) }
