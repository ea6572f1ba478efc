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
        NavigationStack {
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
        .sheet(isPresented: shows(screen.invited != nil, orElse: shown.model.decline)) { invitation(screen) }
        .alert("Compare \(screen.compare ?? "")", isPresented: shows(screen.compare != nil, orElse: shown.model.compared)) {
            Button("It is the same") {}
        } message: {
            Text("The page where you began shows these digits, too.")
        }
        .alert(
            screen.message ?? "",
            isPresented: shows(screen.message != nil && screen.invited == nil, orElse: shown.model.read)
        ) {
            Button("OK") {}
        }
    }

    /// Where an invitation leads, and the PIN that the holder chooses for it.
    private func invitation(_ screen: TokensModel.Screen) -> some View {
        NavigationStack {
            Form {
                Section {
                    SecureField("PIN", text: $pin).keyboardType(.numberPad)
                    SecureField("PIN again", text: $again).keyboardType(.numberPad)
                } footer: {
                    Text(screen.message ?? "")
                }
            }
            .navigationTitle("Enroll at \(screen.invited ?? "")?")
            .toolbar {
                ToolbarItem(placement: .confirmationAction) {
                    Button("Enroll") { accept() }.disabled(pin.isEmpty || screen.busy)
                }
                ToolbarItem(placement: .cancellationAction) { Button("Cancel") { shown.model.decline() } }
            }
        }
    }

    /// Something is shown as long as the model says so; whoever puts it away tells the model.
    private func shows(_ wanted: Bool, orElse away: @escaping @MainActor () -> Void) -> Binding<Bool> {
        Binding(get: { wanted }, set: { if !$0 { away() } })
    }

    private func accept() {
        var (first, second) = (Array(pin.utf8), Array(again.utf8))
        (pin, again) = ("", "")
        Task { await shown.model.accept(&first, repeated: &second) }
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
            if item.state == .notEnrolled {
                Button("Remove", role: .destructive) { Task { await model.remove(item.id) } }.buttonStyle(.bordered)
            } else {
                answers
            }
        }
    }

    /// What can be done with a token that its server knows.
    private var answers: some View {
        Group {
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
                    Button("Deny") { Task { await model.deny(item.id, question) } }
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
