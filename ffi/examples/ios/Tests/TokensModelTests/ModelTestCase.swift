import Cardea
import Foundation
import TokensModel
import XCTest

/// A holder with the app in his hand, and a clock.
@MainActor
class ModelTestCase: XCTestCase {
    var time = 0.0

    nonisolated static func wallet(in folder: URL, _ device: String = "phone") async throws -> Wallet {
        try await Wallet.open(
            WalletOptions(
                folder: folder.appendingPathComponent(device).path, allowTestArgon2: true, recoverInBackground: false,
                transport: .tcp))
    }

    func model(_ server: Server) -> TokensModel {
        let folder = server.folder
        return TokensModel(now: { [unowned self] in time }) { try await Self.wallet(in: folder) }
    }

    func link(_ server: Server, _ more: String = "") throws -> String {
        try XCTUnwrap(server.call("enroll", "joe", more)["link"] as? String)
    }

    /// Types PINs for the invitation on the screen, or for another one.
    func accept(
        _ model: TokensModel, _ first: String = "274951", _ second: String = "274951",
        invited: TokensModel.Invited? = nil
    ) async {
        guard let invited = invited ?? model.screen.invited else { return XCTFail("nothing is asked") }
        var pins = (Array(first.utf8), Array(second.utf8))
        await model.accept(invited, &pins.0, repeated: &pins.1)
        XCTAssertEqual(pins.0 + pins.1, [], "what was typed is wiped")
    }

    func enrolled(_ server: Server) async throws -> TokensModel {
        let model = model(server)
        await model.start()
        await model.invite(try link(server))
        await accept(model)
        return model
    }

    func open(_ model: TokensModel, _ pin: String = "274951") async {
        var digits = Array(pin.utf8)
        await model.open(model.screen.tokens[0].id, pin: &digits)
        XCTAssertEqual(digits, [])
    }

    /// Waits until the screen is as wanted; whatever changes it is waited for, and nothing else.
    func until(_ model: TokensModel, _ holds: @escaping @MainActor (TokensModel.Screen) -> Bool) async {
        let (changes, change) = AsyncStream.makeStream(of: Void.self)
        model.changed = { change.yield() }
        if holds(model.screen) { return }
        for await _ in changes where holds(model.screen) { return }
    }
}
