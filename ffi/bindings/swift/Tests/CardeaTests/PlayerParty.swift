import CardeaFull
import Foundation

/// Who asks the server, in a scenario.
struct Party {
    var key = "admin"
    var place = "server"
    var made: RelyingParty?
    /// The ids of what was asked, by user.
    var asked: [String: String] = [:]
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
            party.asked[user] = try await client().confirm(user, step.quoted ?? "", seconds: seconds ?? 120).id
        case "answer": return answer(try await client().confirmation(question(of: user)).answer)
        case "await": return answer(try await client().awaitConfirmation(question(of: user), seconds: 30).answer)
        case "withdraw": return answer(try await client().withdraw(question(of: user)))
        case "watch": party.watch = try client().watch()
        case "event": try await told(of: step.words[2], about: user)
        default: throw Broken("line \(step.line): no such step: party \(verb)")
        }
        return "ok"
    }

    private func client() throws -> RelyingParty {
        if let made = party.made { return made }
        let key =
            switch party.key {
            case "status": server.statusKey
            case "wrong": String(server.adminKey.dropLast()) + (server.adminKey.hasSuffix("A") ? "B" : "A")
            case "malformed": "no key"
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
        guard let id = party.asked[user] else { throw Broken("\(user) was not asked") }
        return id
    }

    private func answer(_ answer: Answer) -> String { quoted(snake("\(answer)")) }

    private func told(of kind: String, about user: String) async throws {
        guard let watch = party.watch else { throw Broken("nobody watches") }
        try await within(seconds: 30) {
            while let event = try await watch.next() {
                if event.kind == kind && event.user == user { return }
            }
            throw Broken("the events ended")
        }
    }

    /// Where the pages of scenarios are.
    private func page(_ name: String) throws -> URL {
        guard let folder = ProcessInfo.processInfo.environment["CARDEA_SCENARIOS"] else {
            throw Broken("CARDEA_SCENARIOS names no folder")
        }
        return URL(fileURLWithPath: folder).appendingPathComponent(name)
    }
}
