import Cardea
import SwiftUI
import TokensModel

struct TokenRow: View {
    let item: TokensModel.Item
    let model: TokensModel

    var body: some View {
        VStack(alignment: .leading, spacing: 8) {
            HStack {
                Image(systemName: item.state == .open && !item.offline ? "lock.open.fill" : "lock.fill")
                Text(item.title).font(.headline)
                Spacer()
                Text(item.offline ? "\(said), as last heard" : said).monospacedDigit()
            }
            .accessibilityElement(children: .combine)
            if item.state == .notEnrolled {
                WideButton("Remove", role: .destructive) { Task { await model.remove(item.id) } }
            } else {
                PinEntry(title: item.state == .open ? "Extend" : "Open", triesLeft: item.triesLeft) {
                    await model.open(item.id, pin: &$0)
                }
                // Also where it is not known: closing does no harm.
                if item.state == .open || item.state == nil {
                    WideButton("Close") { Task { await model.close(item.id) } }
                }
                ForEach(item.texts) { QuestionRow(item: item, question: $0, model: model) }
            }
        }
    }

    private var said: String {
        switch item.state {
        case .open: item.remaining.map { "open, \($0) s" } ?? "open"
        case .closed: "closed"
        case .blocked: "blocked"
        case .notEnrolled: "not enrolled any more"
        case nil: "not known"
        }
    }
}

/// A text, with the PIN under it: to deny is as easy as to approve, and needs none.
struct QuestionRow: View {
    let item: TokensModel.Item
    let question: TokensModel.Question
    let model: TokensModel

    var body: some View {
        VStack(alignment: .leading, spacing: 8) {
            Text(question.text).frame(maxWidth: .infinity, alignment: .leading)
            PinEntry(title: "Approve", triesLeft: item.triesLeft) { await model.approve(item.id, question, pin: &$0) }
            WideButton("Deny") { Task { await model.deny(item.id, question) } }
            WideButton("I did not start this") { Task { await model.deny(item.id, question, because: .notMe) } }
        }
    }
}

/// A PIN, how often it may still be wrong, and the button that uses it. Nothing happens by itself when digits are typed.
struct PinEntry: View {
    let title: String
    let triesLeft: UInt8?
    let action: @MainActor (inout [UInt8]) async -> Void
    @SwiftUI.State private var pin = ""

    var body: some View {
        VStack(alignment: .leading, spacing: 8) {
            SecureField("PIN", text: $pin).keyboardType(.numberPad)
            if let triesLeft { Text("Tries left: \(triesLeft)").font(.footnote) }
            WideButton(title) {
                var digits = Array(pin.utf8)
                pin = ""
                Task { await action(&digits) }
            }
            .disabled(pin.isEmpty)
        }
    }
}

/// A button as wide as there is room, so that two of them are equally large.
struct WideButton: View {
    let title: String
    let role: ButtonRole?
    let action: @MainActor () -> Void

    init(_ title: String, role: ButtonRole? = nil, action: @escaping @MainActor () -> Void) {
        (self.title, self.role, self.action) = (title, role, action)
    }

    var body: some View {
        Button(role: role, action: action) { Text(title).frame(maxWidth: .infinity) }.buttonStyle(.bordered)
    }
}
