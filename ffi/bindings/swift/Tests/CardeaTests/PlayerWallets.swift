import Cardea
import Foundation

extension Player {
    /// What happens to wallets and their folders.
    func arrange(_ step: Step) async throws -> String? {
        let words = step.words
        switch step.verb {
        case "wallet": try await goOn(with: words[0], how: Array(words.dropFirst()))
        case "reopen":
            wallets[current]?.clock = 0
            try await reopen(current)
        case "clock":
            wallets[current]?.clock = Int64(words[0]) ?? 0
            try await reopen(current)
        case "backup":
            let copy = backup
            try? FileManager.default.removeItem(at: copy)
            try FileManager.default.copyItem(at: place, to: copy)
        case "restore":
            drop(current)
            try FileManager.default.removeItem(at: place)
            try FileManager.default.copyItem(at: backup, to: place)
            try await reopen(current)
        case "damage":
            drop(current)
            try damage(words[0])
            try await reopen(current)
        case "host": try await Hosts.open(words[0], words[1])
        case "behave": behavior.set(words[0], words[1])
        case "asked": return String(behavior.takeCount())
        case "asked_for": return quoted(behavior.lastPurpose)
        default: return nil
        }
        return "ok"
    }

    private func goOn(with name: String, how: [String]) async throws {
        switch how.first {
        case "shares":
            guard let other = wallets[how[1]] else { throw Broken("there is no wallet \(how[1])") }
            var shared = other
            shared.clock = 0
            try await open(name, shared)
        case "strict": try await open(name, Opened(folder: fresh(), options: Options(strict: true)))
        case "automatic": try await open(name, Opened(folder: fresh(), options: Options(automatic: true)))
        case "hosted":
            var hosted = Opened(folder: fresh(), options: Options())
            if how.contains("presence") { hosted.presence = PlayedPresence(behavior) }
            if how.contains("secrets") { hosted.secrets = PlayedSecrets(behavior) }
            try await open(name, hosted)
        default:
            if wallets[name]?.wallet == nil { try await open(name, Opened(folder: fresh(), options: Options())) }
        }
        current = name
    }

    private var place: URL { wallets[current]?.folder ?? folder }
    private var backup: URL { place.appendingPathExtension("backup") }

    private func damage(_ how: String) throws {
        if how == "no_key" {
            return try FileManager.default.removeItem(at: place.appendingPathComponent("store.key"))
        }
        let files = try FileManager.default.contentsOfDirectory(at: place, includingPropertiesForKeys: nil)
        for file in files where file.pathExtension == "token" {
            var bytes = try Data(contentsOf: file)
            if how == "cut" { bytes.removeLast() } else { bytes[bytes.count - 1] ^= 1 }
            try bytes.write(to: file)
        }
    }
}
