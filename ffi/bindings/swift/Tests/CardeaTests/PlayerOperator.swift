import Foundation

extension Player {
    /// What relying parties and operators do.
    func operate(_ step: Step) throws -> String? {
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
}
