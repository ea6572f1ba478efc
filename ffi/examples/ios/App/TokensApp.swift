import Cardea
import Foundation
import SwiftUI
import TokensModel

@main
struct TokensApp: App {
    @StateObject private var shown = Shown()
    @Environment(\.scenePhase) private var phase

    var body: some Scene {
        WindowGroup {
            TokensScreen(shown: shown)
                .task { await shown.model.start() }
                .onOpenURL { link in Task { await shown.model.invite(link.absoluteString) } }
        }
        .onChange(of: phase) { phase in
            switch phase {
            case .active: Task { await shown.model.look() }
            case .background: Task { await shown.model.away() }
            default: break
            }
        }
    }
}

/// Tells SwiftUI when the model has changed.
@MainActor
final class Shown: ObservableObject {
    let model: TokensModel

    init() {
        model = TokensModel {
            try await Wallet.open(WalletOptions(folder: URL.tokens().path), host: .apple())
        }
        model.changed = { [weak self] in self?.objectWillChange.send() }
    }
}

extension URL {
    /// Where the app keeps its tokens: left out of backups, since a token that comes back from one is taken for a copy.
    fileprivate static func tokens() throws -> URL {
        let support = try FileManager.default.url(
            for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
        var folder = support.appendingPathComponent("tokens", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var values = URLResourceValues()
        values.isExcludedFromBackup = true
        try folder.setResourceValues(values)
        return folder
    }
}
