import Cardea
import SwiftUI
import TokensModel

struct TokensScreen: View {
    @ObservedObject var shown: Shown
    @SwiftUI.State private var link = ""
    private let second = Timer.publish(every: 1, on: .main, in: .common).autoconnect()

    var body: some View {
        let (screen, model) = (shown.model.screen, shown.model)
        NavigationStack {
            List {
                ForEach(screen.tokens) { TokenRow(item: $0, model: model) }
                Section("Add a token") {
                    TextField("Link", text: $link).textInputAutocapitalization(.never).autocorrectionDisabled()
                    Button("Look") { Task { await model.invite(link) } }.disabled(link.isEmpty)
                }
            }
            .navigationTitle("Tokens")
            .overlay {
                if screen.loading || screen.busy {
                    ProgressView()
                } else if screen.locked {
                    WideButton("Try again") { Task { await model.start() } }
                }
            }
        }
        .onReceive(second) { _ in model.tick() }
        // One sheet for both: the second takes the place of the first when the token is enrolled.
        .sheet(isPresented: shows(screen.invited != nil || screen.compare != nil, orElse: model.decline)) {
            if let compare = screen.compare {
                ComparisonSheet(compare: compare, screen: screen, model: model)
            } else if let invited = screen.invited {
                // What was typed for one invitation is gone with it.
                InvitationSheet(invited: invited, screen: screen, model: model).id(invited.id)
            }
        }
        .alert(
            screen.message ?? "",
            isPresented: shows(
                screen.message != nil && screen.invited == nil && screen.compare == nil, orElse: model.read)
        ) {
            Button("OK") {}
        }
    }

    /// Something is shown as long as the model says so; whoever puts it away tells the model.
    private func shows(_ wanted: Bool, orElse away: @escaping @MainActor () -> Void) -> Binding<Bool> {
        Binding(get: { wanted }, set: { if !$0 { away() } })
    }
}

/// Where an invitation leads, and the PIN that the holder chooses for it.
struct InvitationSheet: View {
    let invited: TokensModel.Invited
    let screen: TokensModel.Screen
    let model: TokensModel
    @SwiftUI.State private var pin = ""
    @SwiftUI.State private var again = ""

    var body: some View {
        NavigationStack {
            Form {
                Section {
                    SecureField("PIN", text: $pin).keyboardType(.numberPad)
                    SecureField("PIN again", text: $again).keyboardType(.numberPad)
                } footer: {
                    Text(screen.message ?? "")
                }
            }
            .navigationTitle("Enroll at \(invited.host)?")
            .toolbar {
                ToolbarItem(placement: .confirmationAction) {
                    Button("Enroll") { accept() }.disabled(pin.isEmpty || screen.busy)
                }
                ToolbarItem(placement: .cancellationAction) { Button("Cancel") { model.decline() } }
            }
        }
    }

    private func accept() {
        var (first, second) = (Array(pin.utf8), Array(again.utf8))
        (pin, again) = ("", "")
        Task { await model.accept(invited, &first, repeated: &second) }
    }
}

/// Six digits, whether the enrolling page shows the same, and what to do if it does not. Only an answer puts it away.
struct ComparisonSheet: View {
    let compare: TokensModel.Comparison
    let screen: TokensModel.Screen
    let model: TokensModel

    var body: some View {
        NavigationStack {
            Form {
                Section {
                    Text(compare.digits).font(.largeTitle).monospacedDigit()
                } footer: {
                    Text("The page where you began shows six digits, too. Are they the same?")
                }
                Section {
                    if compare.differs {
                        PinEntry(title: "Give it up", triesLeft: nil) { await model.giveUp(compare.token, pin: &$0) }
                        WideButton("Remove it here only") { Task { await model.remove(compare.token) } }
                    } else {
                        HStack {
                            WideButton("They are the same") { model.same() }
                            WideButton("They are different") { model.different() }
                        }
                    }
                } footer: {
                    Text(compare.differs ? "Somebody stands in between. Give this token up, and tell the service." : "")
                    Text(screen.message ?? "")
                }
            }
        }
        .interactiveDismissDisabled()
    }
}
