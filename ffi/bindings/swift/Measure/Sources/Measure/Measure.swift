import Cardea
import Foundation

/// What calls from Swift cost, and whether anything stays behind. `cargo xtask bench bindings` starts it with a link.
///
/// On standard input: `call N` measures as many calls that ask nobody, `cycle N` opens and closes the token as often. The
/// answer is a line.
@main
struct Measure {
    static let pin = "274951"

    static func main() async throws {
        let wallet = try await Wallet.open(WalletOptions(allowTestArgon2: true, recoverInBackground: false))
        let invitation = try Invitation.fromText(text: CommandLine.arguments[1])
        let token = try await wallet.enroll(invitation, NewPins(pin)).token
        say("ready")
        while let line = readLine() {
            let words = line.split(separator: " ")
            let count = Int(words[1])!
            if words[0] == "call" {
                say("called \(try await median(token, count))")
            } else {
                for _ in 0..<count { try await cycle(wallet) }
                say("done")
            }
        }
    }

    /// Everything that has a handle on the other side, too.
    static func cycle(_ wallet: Wallet) async throws {
        let events = wallet.events()
        let token = try await wallet.tokens()[0]
        let opened = try await token.open(.pin(pin)).state
        let closed = try await token.close().state
        precondition(opened == .open && closed == .closed, "\(opened), then \(closed)")
        do {
            _ = try Invitation.fromText(text: "none")
            preconditionFailure("that was an invitation")
        } catch CardeaError.InvitationRejected {}
        events.cancel()
    }

    static func median(_ token: Token, _ count: Int) async throws -> UInt64 {
        var times: [UInt64] = []
        for _ in 0..<count {
            let began = DispatchTime.now().uptimeNanoseconds
            _ = try await token.info()
            times.append(DispatchTime.now().uptimeNanoseconds - began)
        }
        return times.sorted()[count / 2]
    }

    static func say(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }
}
