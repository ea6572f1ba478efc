import CardeaFull
import Foundation

/// Who asks the server, in a scenario.
struct Party {
    var key = "admin"
    var place = "server"
    var made: RelyingParty?
    var watch: Watch?
}

extension Player {
    /// What relying parties do with the client of this language; and pictures of invitations.
    func rely(_ step: Step) async throws -> String? {
        if step.verb == "picture" {
            let file = try page("pictures").appendingPathComponent(step.words[0])
            return quoted(try await Invitation.picture(Data(contentsOf: file)).preview().host)
        }
        guard step.verb == "party", let verb = step.words.first else { return nil }
        let user = step.words.count > 1 ? step.words[1] : ""
        switch verb {
        case "key", "at":
            if verb == "key" { party.key = user } else { party.place = user }
            party.made = nil
        case "status": return snake("\(try await client().status(user))")
        case "is_open": return yesOrNo(await (try client()).isOpen(user))
        case "gate": return yesOrNo(await (try client()).gate(user))
        case "ask":
            let seconds = step.words.count > 2 ? UInt64(step.words[2]) : nil
            let text = step.quoted ?? ""
            let party = try client()
            let made = if let seconds { try await party.confirm(user, text, seconds: seconds) } else { try await party.confirm(user, text) }
            asked[user] = made.id
        case "answer": return answer(try await client().confirmation(question(of: user)).answer)
        case "await": return answer(try await client().awaitConfirmation(question(of: user), seconds: 30).answer)
        case "withdraw": return answer(try await client().withdraw(question(of: user)))
        case "watch": party.watch = try client().watch(after: 0)
        case "event": try await told(of: step.words[2], about: user)
        case "receipt": return quoted(snake("\(try receipt(of: user, step).deed)"))
        default: throw Broken("line \(step.line): no such step: party \(verb)")
        }
        return "ok"
    }

    private func client() throws -> RelyingParty {
        if let made = party.made { return made }
        let key =
            switch party.key {
            case "status": server.statusKey
            case "wrong": "wrong-key"
            case "malformed": "a b"
            default: server.adminKey
            }
        let place =
            switch party.place {
            case "nowhere": "http://127.0.0.1:1"
            case "elsewhere": "http://id.example"
            default: "http://\(server.http)"
            }
        let made = try RelyingParty(baseUrl: place, service: server.service, authkey: key)
        party.made = made
        return made
    }

    private func question(of user: String) throws -> String {
        guard let id = asked[user] else { throw Broken("\(user) was not asked") }
        return id
    }

    private func answer(_ answer: Answer) -> String { quoted(snake("\(answer)")) }

    private func told(of kind: String, about user: String) async throws {
        guard let watch = party.watch else { throw Broken("nobody watches") }
        try await within(seconds: 30) {
            try await withTaskCancellationHandler {
                while !Task.isCancelled {
                    do {
                        guard let event = try await watch.next() else { break }
                        if event.kind == kind && event.user == user { return }
                    } catch is CardeaError {
                        // It begins again behind the last event.
                    }
                }
                throw Broken("\(kind) of \(user) was not told")
            } onCancel: {
                watch.cancel()
            }
        }
    }

    /// What the newest receipt of a user proves; with a text, what the answer to what was asked last proves of it.
    private func receipt(of user: String, _ step: Step) throws -> VerifiedReceipt {
        guard let text = step.quoted else {
            let history = try server.look("history", "id=\(server.encoded(user))")
            let items = history.values.compactMap { $0 as? [[String: Any]] }.first ?? []
            guard let newest = items.first(where: { $0["receipt"] is [String: Any] }) else { throw Broken("no receipt of \(user)") }
            return try VerifiedReceipt(verifying: JSONSerialization.data(withJSONObject: newest))
        }
        let id = try question(of: user)
        var body = String(decoding: try server.body("confirmation", "confirmation=\(id)"), as: UTF8.self)
        switch step.words.count > 2 ? step.words[2] : "" {
        case "cut": body.removeLast()
        case "flipped":
            guard let name = body.range(of: #""signature":""#) else { throw Broken("nobody has signed: \(body)") }
            let first = name.upperBound..<body.index(after: name.upperBound)
            body.replaceSubrange(first, with: body[first] == "A" ? "B" : "A")
        case "long": body += String(repeating: " ", count: 100_000)
        default: break
        }
        let expected = ReceiptExpectation(deed: .approved, text: text, confirmation: id)
        return try VerifiedReceipt(verifying: body, expecting: expected)
    }

    /// Where the pages of scenarios are.
    private func page(_ name: String) throws -> URL {
        guard let folder = ProcessInfo.processInfo.environment["CARDEA_SCENARIOS"] else {
            throw Broken("CARDEA_SCENARIOS names no folder")
        }
        return URL(fileURLWithPath: folder).appendingPathComponent(name)
    }
}
