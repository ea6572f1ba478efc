import Cardea
import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// Plays one scenario against a server of its own.
actor Player {
    private let server: Server
    private let folder: URL
    private var wallets: [String: Opened] = [:]
    private var current = "main"
    private var invited: [String: (link: String, code: String)] = [:]
    private var enrolled: [String: (wallet: String, token: String)] = [:]
    private var asked: [String: String] = [:]
    private var waiting: [String: [Confirmation]] = [:]
    private var live: Live?
    private var counter = 0

    /// A wallet, its folder, and who listens to it.
    private struct Opened {
        var folder: URL
        var wallet: Wallet?
        var events: Events?
        let options: Options
        var clock: Int64 = 0
    }

    init() throws {
        server = try Server()
        folder = server.folder
    }

    func play(_ scenario: Scenario) async throws {
        try await open("main", in: fresh(), options: Options())
        for step in scenario.steps {
            let outcome: String
            do {
                outcome = try await run(step)
            } catch let error as CardeaError {
                outcome = "error \(error.code)"
            }
            let expected = step.expected ?? "ok"
            // A step that says nothing of what comes out must only succeed.
            let holds = expected == "ok" ? !outcome.hasPrefix("error ") : outcome == expected
            if !holds {
                throw Broken("\(scenario.name), line \(step.line): \(step.verb) gave \(outcome) instead of \(expected)")
            }
        }
    }

    private struct Options {
        var strict = false
        var automatic = false

        func `in`(_ folder: URL) -> WalletOptions {
            WalletOptions(
                folder: folder.path, allowTestArgon2: !strict, emulated: true, recoverInBackground: false,
                transport: automatic ? .automatic : .tcp)
        }
    }

    private func fresh() -> URL {
        counter += 1
        return folder.appendingPathComponent("wallet\(counter)")
    }

    private func open(_ name: String, in folder: URL, options: Options, clock: Int64 = 0) async throws {
        wallets[name] = Opened(folder: folder, wallet: nil, events: nil, options: options, clock: clock)
        try await reopen(name)
    }

    private func reopen(_ name: String) async throws {
        guard var opened = wallets[name] else { throw Broken("there is no wallet \(name)") }
        opened.wallet = nil
        opened.events = nil
        wallets[name] = opened
        waiting.removeAll()
        let host = opened.clock == 0 ? WalletHost() : WalletHost(clock: ShiftedClock(by: opened.clock))
        let wallet = try await Wallet.open(opened.options.in(opened.folder), host: host)
        opened.wallet = wallet
        opened.events = wallet.events()
        wallets[name] = opened
        current = name
    }

    private func drop(_ name: String) {
        wallets[name]?.wallet = nil
        wallets[name]?.events = nil
        waiting.removeAll()
    }

    private var wallet: Wallet {
        get throws {
            guard let wallet = wallets[current]?.wallet else { throw Broken("no wallet is open") }
            return wallet
        }
    }

    private func token(_ user: String) async throws -> Token {
        guard let (_, token) = enrolled[user] else { throw Broken("\(user) is not enrolled") }
        let known = enrolled[user]?.wallet == current
        if !known, let other = try? await wallet.token(token) { return other }
        let home = known ? current : enrolled[user]?.wallet ?? current
        guard let wallet = wallets[home]?.wallet else { throw Broken("no wallet is open") }
        return try await wallet.token(token)
    }

    private func invite(_ user: String, _ how: String?) throws {
        let more = how.map { #","\#($0)Device":true"# } ?? ""
        let answer = try server.call("enroll", user, more)
        guard let link = answer["link"] as? String, let code = answer["code"] as? String else {
            throw Broken("no invitation: \(answer)")
        }
        invited[user] = (link, code)
    }

    private func link(of user: String) throws -> (link: String, code: String) {
        if invited[user] == nil { try invite(user, nil) }
        guard let found = invited[user] else { throw Broken("\(user) is not invited") }
        return found
    }

    private func run(_ step: Step) async throws -> String {
        if let said = try operate(step) { return said }
        if let said = try await arrange(step) { return said }
        return try await use(step)
    }

    /// What relying parties and operators do.
    private func operate(_ step: Step) throws -> String? {
        let words = step.words
        let user = words.first ?? ""
        switch step.verb {
        case "service": try server.call("service/update", nil, #","\#(words[0])":\#(words[1])"#)
        case "advance": try server.advance(UInt64(words[0]) ?? 0)
        case "check": return String(try server.check(user))
        case "ask":
            let ends = words.count > 1 ? #","expiresIn":\#(words[1])"# : ""
            let answer = try server.call("confirmation", user, #","text":"\#(step.quoted ?? "")"\#(ends)"#)
            guard let id = answer["confirmation"] as? String else { throw Broken("nothing was asked: \(answer)") }
            asked[user] = id
        case "answer":
            let answer = try server.look("confirmation", "confirmation=\(asked[user] ?? "")")
            return "\"\(answer["state"] as? String ?? "none")\""
        case "withdraw": try server.call("confirmation/cancel", nil, #","confirmation":"\#(asked[user] ?? "")""#)
        case "close_at_server": try server.call("close", user)
        case "unblock", "delete": try server.call(step.verb, user)
        case "clear_duress": try server.call("duress/clear", user)
        case "server": try words[0] == "stop" ? server.stop() : server.start()
        case "invite": try invite(user, words.count > 1 ? words[1] : nil)
        default: return nil
        }
        return "ok"
    }

    /// What happens to wallets and their folders.
    private func arrange(_ step: Step) async throws -> String? {
        let words = step.words
        switch step.verb {
        case "wallet":
            let how = words.count > 1 ? words[1] : ""
            if how == "shares", let other = wallets[words[2]] {
                try await open(words[0], in: other.folder, options: other.options)
            } else if how == "strict" || how == "automatic" {
                let options = Options(strict: how == "strict", automatic: how == "automatic")
                try await open(words[0], in: fresh(), options: options)
            } else if wallets[words[0]]?.wallet == nil {
                try await open(words[0], in: fresh(), options: Options())
            }
            current = words[0]
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
        default: return nil
        }
        return "ok"
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

    /// What the device does.
    private func use(_ step: Step) async throws -> String {
        let words = step.words
        let user = words.first ?? ""
        func word(_ index: Int) -> String { words.count > index ? words[index] : "" }
        func pins(from index: Int) -> NewPins { NewPins(word(index), duress: Array(words.dropFirst(index + 1))) }
        switch step.verb {
        case "preview": return "\"\(try Invitation.fromText(text: link(of: user).link).preview().host)\""
        case "enroll":
            let invitation = try Invitation.fromText(text: link(of: user).link)
            let made = try await wallet.enroll(invitation, pins(from: 1))
            enrolled[user] = (current, made.token.id())
        case "enroll_code":
            let invitation = try await Invitation.code(link(of: user).code, server: server.http)
            let made = try await wallet.enroll(invitation, pins(from: 1))
            enrolled[user] = (current, made.token.id())
        case "link": _ = try Invitation.fromText(text: mangled(word(0)))
        case "code":
            let (code, at) = word(0) == "short" ? ("AB", server.http) : (try link(of: "mangled").code, "127.0.0.1:1")
            _ = try await Invitation.code(code, server: at)
        case "tokens": return String(try await wallet.tokens().count)
        case "open": return said(try await token(user).open(.pin(word(1)), seconds: UInt64(word(2))))
        case "close": return said(try await token(user).close())
        case "status": return said(try await token(user).status())
        case "remaining": return String(try await token(user).status().remainingSeconds ?? 0)
        case "tries": return String(try await token(user).status().triesLeft)
        case "waiting": return String(try await token(user).status().confirmations)
        case "skewed": return try await token(user).status().clockDifference == nil ? "\"no\"" : "\"yes\""
        case "change_pin": return said(try await token(user).changePin(.pin(word(1)), to: pins(from: 2)))
        case "set_duress":
            let duress = words.dropFirst(2).map { Data($0.utf8) }
            return said(try await token(user).setDuress(current: Data(word(1).utf8), duress: Array(duress)))
        case "unenroll": try await token(user).unenroll(.pin(word(1)))
        case "forget": try await token(user).forget()
        case "confirmations":
            let found = try await token(user).confirmations()
            waiting[user] = found
            return "\"\(found.map { $0.text() }.joined(separator: " / "))\""
        case "approve": return said(try await token(user).approve(kept(user), .pin(word(1))))
        case "deny":
            let reasons: [String: DenyReason] = ["cancelled": .cancelled, "not_me": .notMe]
            return said(try await token(user).deny(kept(user), because: reasons[word(1)]))
        case "devices": return String(try await token(user).devices().count)
        case "revoke_other":
            let others = try await token(user).devices().filter { !$0.isThis }
            return said(try await token(user).revoke(device: others.first?.id ?? "00000000", .pin(word(1))))
        case "history":
            let page = try await token(user).history()
            return "\"\(page.map { snake("\($0.deed)") }.joined(separator: ", "))\""
        case "service_info":
            let info = try await token(user).serviceInfo()
            return "\"\(info.service) / \(info.user)\""
        case "label": try await token(user).setLabel(step.quoted ?? "")
        case "labeled": return "\"\(try await token(user).info().label)\""
        case "pending": return try await token(user).info().pending ? "\"yes\"" : "\"no\""
        case "close_all": return String(try await wallet.closeAll().filter { $0.status != nil }.count)
        case "go_live": live = try wallet.goLive()
        case "wake": live?.wake()
        case "stop_live":
            try await live?.stop()
            live = nil
        case "event": try await heard(word(1), by: user)
        case "cancelled":
            let cancel = Cancel()
            cancel.cancel()
            return said(try await token(user).status(cancel: cancel))
        case "interrupted": return try await interrupted(step.inner)
        default: throw Broken("line \(step.line): no such step: \(step.verb)")
        }
        return "ok"
    }

    private func said(_ status: Status) -> String { snake("\(status.state)") }

    private func snake(_ name: String) -> String {
        name.map { $0.isUppercase ? "_\($0.lowercased())" : "\($0)" }.joined()
    }

    private func kept(_ user: String) throws -> Confirmation {
        guard let first = waiting[user]?.first else { throw Broken("no text of \(user) was kept") }
        return first
    }

    private func mangled(_ how: String) throws -> String {
        let link = try link(of: "mangled").link
        switch how {
        case "whole": return link
        case "spaced": return " \n\t\(link) \r\n"
        case "empty": return ""
        case "cut": return String(link.dropLast(8))
        case "doubled": return link + link
        case "flipped": return link.dropLast() + (link.hasSuffix("A") ? "B" : "A")
        case "elsewhere": return "https://id.example/"
        case "long": return link + String(repeating: "A", count: 100_000)
        case "binary": return link + "\0"
        default: throw Broken("no such mangling: \(how)")
        }
    }

    private func heard(_ kind: String, by user: String) async throws {
        guard let events = wallets[current]?.events, let token = enrolled[user]?.token else {
            throw Broken("nobody listens")
        }
        do {
            try await within(seconds: 30) {
                while let event = await events.next() {
                    let name = "\(event.kind)".map { $0.isUppercase ? "_\($0.lowercased())" : "\($0)" }.joined()
                    if name == kind && event.token == token { return }
                }
                throw Broken("the events ended")
            }
        } catch is TimedOut {
            events.cancel()
            throw Broken("\(kind) of \(user) was not heard")
        }
    }

    /// The server dies while the step waits for its answer, and comes back.
    private func interrupted(_ step: Step) async throws -> String {
        guard let user = step.words.first else { throw Broken("line \(step.line): of whom?") }
        let token = try await token(user)
        server.signal(SIGSTOP)
        async let outcome = use(step)
        while try await !token.info().pending {
            try await Task.sleep(nanoseconds: 1_000_000)
        }
        server.stop()
        try server.start()
        return try await outcome
    }
}
