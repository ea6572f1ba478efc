import CardeaFull
import Foundation

extension Player {
    /// What the device does.
    func use(_ step: Step) async throws -> String {
        let words = step.words
        let user = words.first ?? ""
        func word(_ index: Int) -> String { words.count > index ? words[index] : "" }
        func pins(from index: Int) -> NewPins { newPins(words.dropFirst(index)) }
        switch step.verb {
        case "preview": return quoted(try Invitation.fromText(text: link(of: user).link).preview().host)
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
        case "open": return said(try await token(user).open(approval(word(1)), seconds: UInt64(word(2))))
        case "close": return said(try await token(user).close())
        case "status": return said(try await token(user).status())
        case "remaining": return String(try await token(user).status().remainingSeconds ?? 0)
        case "tries": return String(try await token(user).status().triesLeft)
        case "waiting": return String(try await token(user).status().confirmations)
        case "skewed": return yesOrNo(try await token(user).status().clockDifference != nil)
        case "change_pin": return said(try await token(user).changePin(approval(word(1)), to: pins(from: 2)))
        case "set_duress":
            let duress = words.dropFirst(2).map { Data($0.utf8) }
            return said(try await token(user).setDuress(current: Data(word(1).utf8), duress: Array(duress)))
        case "unenroll": try await token(user).unenroll(approval(word(1)))
        case "forget": try await token(user).forget()
        case "confirmations":
            let found = try await token(user).confirmations()
            waiting[user] = found
            return quoted(found.map { $0.text() }.joined(separator: " / "))
        case "approve": return said(try await token(user).approve(kept(user), approval(word(1))))
        case "deny":
            let reasons: [String: DenyReason] = ["cancelled": .cancelled, "not_me": .notMe]
            return said(try await token(user).deny(kept(user), because: reasons[word(1)]))
        case "devices": return String(try await token(user).devices().count)
        case "revoke_other":
            let device = if let known = others.removeValue(forKey: user) { known } else { try await other(than: user) }
            return said(try await token(user).revoke(device: device, approval(word(1))))
        case "policy":
            let policy = try await wallet.policy(Invitation.fromText(text: link(of: user).link))
            return quoted("\(policy.pinMin) to \(policy.pinMax)")
        case "history":
            let page = try await token(user).history()
            return quoted(page.map { snake("\($0.deed)") }.joined(separator: ", "))
        case "service_info":
            let info = try await token(user).serviceInfo()
            return quoted("\(info.service) / \(info.user)")
        case "label": try await token(user).setLabel(step.quoted ?? "")
        case "labeled": return quoted(try await token(user).info().label)
        case "pending": return yesOrNo(try await token(user).info().pending)
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
        default: throw Broken("line \(step.line): no such step: \(step.verb)")
        }
        return "ok"
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

    /// The first device of a user's token that is not this one.
    func other(than user: String) async throws -> String {
        try await token(user).devices().first { !$0.isThis }?.id ?? "00000000"
    }

    private func heard(_ kind: String, by user: String) async throws {
        guard let events = wallets[current]?.events, let token = enrolled[user]?.token else {
            throw Broken("nobody listens")
        }
        try await within(seconds: 30) {
            try await withTaskCancellationHandler {
                while let event = await events.next() {
                    if snake("\(event.kind)") == kind && event.token == token { return }
                }
                throw Broken("\(kind) of \(user) was not heard")
            } onCancel: {
                events.cancel()
            }
        }
    }
}
