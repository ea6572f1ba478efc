import Cardea
import Foundation
import SwiftUI
import TokensModel

@main
struct TokensApp: App {
    @StateObject private var shown = Shown()

    var body: some Scene {
        WindowGroup {
            TokensScreen(shown: shown)
                .task { await shown.model.start() }
                .onOpenURL { link in Task { await shown.model.invite(link.absoluteString) } }
        }
    }
}

/// Tells SwiftUI when the model has changed.
@MainActor
final class Shown: ObservableObject {
    let model: TokensModel

    init() {
        let folder = URL.applicationSupport.appendingPathComponent("tokens").path
        model = TokensModel(now: { ProcessInfo.processInfo.systemUptime }) {
            try await Wallet.open(WalletOptions(folder: folder))
        }
        model.changed = { [weak self] in self?.objectWillChange.send() }
    }
}

extension URL {
    /// Where an app keeps what is its own.
    fileprivate static var applicationSupport: URL {
        FileManager.default.urls(for: .applicationSupportDirectory, in: .userDomainMask)[0]
    }
}
