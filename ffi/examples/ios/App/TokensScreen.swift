import Cardea
import SwiftUI
import TokensModel

struct TokensScreen: View {
    @ObservedObject var shown: Shown
    @SwiftUI.State private var link = ""
    @SwiftUI.State private var pin = ""
    @SwiftUI.State private var again = ""
    private let second = Timer.publish(every: 1, on: .main, in: .common).autoconnect()

    var body: some View {
        let screen = shown.model.screen
        NavigationView {
            List {
                ForEach(screen.tokens) { TokenRow(item: $0, model: shown.model) }
                Section("Add a token") {
                    TextField("Link", text: $link).textInputAutocapitalization(.never).autocorrectionDisabled()
                    Button("Look") { run { await $0.invite(link) } }.disabled(link.isEmpty)
                }
            }
            .navigationTitle("Tokens")
            .overlay { if screen.loading || screen.busy { ProgressView() } }
        }
        .onReceive(second) { _ in shown.model.tick() }
        .alert("Enroll at \(screen.invited ?? "")?", isPresented: .constant(screen.invited != nil)) {
            SecureField("PIN", text: $pin).keyboardType(.numberPad)
            SecureField("PIN again", text: $again).keyboardType(.numberPad)
            Button("Enroll") { accept() }
            Button("Cancel", role: .cancel) { shown.model.decline() }
        }
        .alert("Compare \(screen.compare ?? "")", isPresented: .constant(screen.compare != nil)) {
            Button("It is the same") { shown.model.compared() }
        }
        .alert(screen.message ?? "", isPresented: .constant(screen.message != nil)) {
            Button("OK") { shown.model.read() }
        }
    }

    private func accept() {
        var digits = (Array(pin.utf8), Array(again.utf8))
        (pin, again) = ("", "")
        run { await $0.accept(&digits.0, repeated: &digits.1) }
    }

    private func run(_ action: @escaping @MainActor (TokensModel) async -> Void) {
        Task { await action(shown.model) }
    }
}

struct TokenRow: View {
    let item: TokensModel.Item
    let model: TokensModel
    @SwiftUI.State private var pin = ""

    var body: some View {
        VStack(alignment: .leading, spacing: 8) {
            HStack {
                Image(systemName: item.state == .open ? "lock.open.fill" : "lock.fill")
                Text(item.title).font(.headline)
                Spacer()
                Text(said).monospacedDigit()
            }
            .accessibilityElement(children: .combine)
            SecureField("PIN", text: $pin).keyboardType(.numberPad)
            HStack {
                Button(item.state == .open ? "Extend" : "Open") { use { await model.open(item.id, pin: &$0) } }
                    .disabled(pin.isEmpty)
                if item.state == .open {
                    Button("Close") { Task { await model.close(item.id) } }
                }
            }
            .buttonStyle(.bordered)
            ForEach(item.texts) { question in
                Text(question.text).frame(maxWidth: .infinity, alignment: .leading)
                HStack {
                    Button("Approve") { use { await model.approve(item.id, question, pin: &$0) } }.disabled(pin.isEmpty)
                    Button("Not me", role: .destructive) {
                        Task { await model.deny(item.id, question, because: .notMe) }
                    }
                }
                .buttonStyle(.bordered)
            }
        }
    }

    private var said: String {
        switch item.state {
        case .open: item.remaining.map { "open, \($0) s" } ?? "open"
        case .closed: "closed"
        case .blocked: "blocked"
        case .notEnrolled: "not enrolled any more"
        case nil: "…"
        }
    }

    private func use(_ action: @escaping @MainActor (inout [UInt8]) async -> Void) {
        var digits = Array(pin.utf8)
        pin = ""
        Task { await action(&digits) }
    }
}
