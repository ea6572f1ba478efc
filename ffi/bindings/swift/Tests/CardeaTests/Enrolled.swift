import Cardea
import Foundation

extension WalletOptions {
    /// What tests want: cheap protection of PINs, nothing in the background, and one way to the server.
    static func tests(_ folder: URL? = nil, transport: Transport = .tcp) -> WalletOptions {
        WalletOptions(
            folder: folder?.path, allowTestArgon2: true, recoverInBackground: false, transport: transport)
    }
}

extension Server {
    /// A fresh link for a user.
    func link(_ user: String = "joe") throws -> Invitation {
        guard let link = try call("enroll", user)["link"] as? String else { throw Broken("no link for \(user)") }
        return try Invitation.fromText(text: link)
    }

    /// A wallet with a token, in memory or in a folder.
    func enrolled(
        _ user: String = "joe", in folder: URL? = nil, transport: Transport = .tcp, host: WalletHost = WalletHost()
    ) async throws -> (Wallet, Token) {
        let wallet = try await Wallet.open(.tests(folder, transport: transport), host: host)
        return (wallet, try await wallet.enroll(link(user), NewPins("274951")).token)
    }
}

/// The number that a call fails with; nothing if it does not fail.
func number(_ call: () async throws -> Void) async throws -> UInt32? {
    do {
        try await call()
        return nil
    } catch let error as CardeaError {
        return error.code
    }
}
