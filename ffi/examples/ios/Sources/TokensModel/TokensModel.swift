import Cardea
import Foundation

/// Everything that the app does, without a line of SwiftUI. The screen shows ``screen`` and calls the functions.
@MainActor
public final class TokensModel {
    public private(set) var screen = Screen() {
        didSet { if screen != oldValue { changed() } }
    }
    /// Called after every change of ``screen``.
    public var changed: @MainActor () -> Void = {}

    private let openWallet: @Sendable () async throws -> Wallet
    private let now: @MainActor () -> Double
    private var wallet: Wallet?
    private(set) var live: Live?
    private var isAway = false
    private var running = 0
    private var listening: Task<Void, Never>?
    private var invitation: Invitation?
    private var invitations = 0
    private var ends: [String: Double] = [:]
    private var waiting: [String: Confirmation] = [:]

    /// - Parameters:
    ///   - now: seconds of a clock that nobody can set and that goes on while the device sleeps.
    ///   - openWallet: opens the wallet; called when it is first needed, and again if that failed.
    public init(
        now: @escaping @MainActor () -> Double = TokensModel.clock(),
        openWallet: @escaping @Sendable () async throws -> Wallet
    ) {
        self.now = now
        self.openWallet = openWallet
    }

    /// Seconds since this was called. The system's uptime would stand still while the device sleeps, and a token would seem
    /// to be open for longer than it is.
    nonisolated public static func clock() -> @MainActor () -> Double {
        let start = ContinuousClock.now
        return {
            let (seconds, attoseconds) = start.duration(to: .now).components
            return Double(seconds) + Double(attoseconds) / 1e18
        }
    }

    deinit { listening?.cancel() }

    /// Opens the wallet, asks how its tokens stand, and listens to what happens from then on.
    public func start() async {
        await act { _ = try await opened() }
        await refreshAll()
    }

    /// The app is looked at: keeps sessions, so that what happens elsewhere is seen at once, and asks how all tokens stand.
    public func look() async {
        isAway = false
        await act {
            let wallet = try await opened()
            // The holder may have looked away again meanwhile.
            if isAway { return }
            if let live { live.wake() } else { live = wallet.goLive() }
        }
        await refreshAll()
    }

    /// The app is not looked at any more: no connection is left.
    public func away() async {
        isAway = true
        let ending = live
        live = nil
        // Whoever ends waiting for it ends the sessions, too.
        try? await ending?.stop()
    }

    /// A link was tapped, scanned or pasted. Nothing is used up before the holder accepts.
    ///
    /// It never takes the place of an invitation that is shown: the PIN that is being typed is for that one.
    public func invite(_ text: String) async {
        await act {
            guard screen.invited == nil, screen.compare == nil else {
                screen.message = "Another invitation has come. Finish this one, then open the other one again."
                return
            }
            let invitation = try Invitation.fromText(text: text)
            self.invitation = invitation
            invitations += 1
            screen.invited = Invited(id: invitations, host: invitation.preview().host)
        }
    }

    /// The holder does not want the invitation.
    public func decline() {
        invitation = nil
        screen.invited = nil
    }

    /// The holder accepts the invitation that was shown and has chosen a PIN, typed twice. Both are wiped.
    public func accept(_ shown: Invited, _ pin: inout [UInt8], repeated: inout [UInt8]) async {
        let same = pin == repeated
        var none: [[UInt8]] = []
        _ = NewPins.wiping(&repeated, duress: &none)
        let pins = NewPins.wiping(&pin, duress: &none)
        await act {
            guard let invitation, screen.invited == shown else { return }
            guard same else {
                screen.message = "These were two different PINs."
                return
            }
            let wallet = try await opened()
            do {
                let enrolled = try await wallet.enroll(invitation, pins)
                decline()
                try await add([enrolled.token])
                screen.compare = enrolled.shortString.map { Comparison(token: enrolled.token.id(), digits: $0) }
                try await refresh(enrolled.token)
            } catch CardeaError.NotConfirmed(let code, let reason) {
                // Enrolled or not: it is in the wallet, and its server will say. The invitation is not for a second try.
                decline()
                try await add(wallet.tokens())
                throw CardeaError.NotConfirmed(code: code, reason: reason)
            }
        }
    }

    /// The digits are the same.
    public func same() { screen.compare = nil }

    /// The digits are others: somebody stands in between. The token is to be given up.
    public func different() { screen.compare?.differs = true }

    /// Gives a token up, at its server and here. The PIN is wiped.
    public func giveUp(_ id: String, pin: inout [UInt8]) async {
        let approval = Approval.pin(wiping: &pin)
        await act(id) {
            try await opened().token(id).unenroll(approval)
            gone(id)
        }
    }

    /// Removes a token here only: one that its server does not know any more, or that cannot be given up there.
    public func remove(_ id: String) async {
        await act(id) {
            try await opened().token(id).forget()
            gone(id)
        }
    }

    /// Opens a token, or extends its opening. The PIN is wiped.
    public func open(_ id: String, pin: inout [UInt8]) async {
        let approval = Approval.pin(wiping: &pin)
        await act(id) { show(id, try await opened().token(id).open(approval)) }
    }

    /// Closes a token. Needs no PIN.
    public func close(_ id: String) async {
        await act(id) { show(id, try await opened().token(id).close()) }
    }

    /// Asks the server how a token stands and what waits.
    public func refresh(_ id: String) async {
        await act(id) { try await refresh(opened().token(id)) }
    }

    /// Asks the server how each token stands. That one server is away says nothing of the others. Ends when the app is not looked
    /// at any more.
    public func refreshAll() async {
        for item in screen.tokens where !isAway {
            await act(item.id, keepingMessage: true) { try await refresh(opened().token(item.id)) }
        }
    }

    /// Approves a text. The PIN is wiped.
    public func approve(_ id: String, _ question: Question, pin: inout [UInt8]) async {
        let approval = Approval.pin(wiping: &pin)
        await answer(id, question) { try await $0.approve($1, approval) }
    }

    /// Denies a text. Needs no PIN.
    public func deny(_ id: String, _ question: Question, because reason: DenyReason? = nil) async {
        await answer(id, question) { try await $0.deny($1, because: reason) }
    }

    /// The message was read.
    public func read() { screen.message = nil }

    /// To be called every second while the screen is seen: counts down, and closes what has run out.
    public func tick() {
        for index in screen.tokens.indices where screen.tokens[index].state == .open {
            let id = screen.tokens[index].id
            guard let end = ends[id] else { continue }
            let left = end - now()
            if left > 0 {
                screen.tokens[index].remaining = Int(left.rounded(.up))
            } else {
                settle(id, .closed)
                // Another device may have extended it.
                ask(id)
            }
        }
    }

    /// Does what the person has asked for, with this token if it is about one, and says what went wrong.
    private func act(_ id: String? = nil, keepingMessage: Bool = false, _ action: @MainActor () async throws -> Void) async {
        running += 1
        screen.busy = true
        if !keepingMessage { screen.message = nil }
        defer {
            running -= 1
            screen.busy = running > 0
        }
        if let said = await attempt(id, action) { screen.message = said }
    }

    /// What went wrong, in words for a person. What it says of the token is shown.
    func attempt(_ id: String?, _ action: @MainActor () async throws -> Void) async -> String? {
        do {
            try await action()
            return nil
        } catch is CancellationError, CardeaError.Cancelled {
            return nil
        } catch let error as CardeaError {
            if let id { learn(id, error) }
            return error.explanation()
        } catch {
            return error.localizedDescription
        }
    }

    private func learn(_ id: String, _ error: CardeaError) {
        switch error {
        case .PinRejected(_, _, let left), .Wait(_, _, let left, _): change(id) { $0.triesLeft = left }
        case .Blocked: settle(id, .blocked)
        case .NotEnrolled: settle(id, .notEnrolled)
        // It was done, or not: a lock on the screen would be a guess.
        case .NotConfirmed: settle(id, nil)
        case .Offline: change(id) { $0.offline = true }
        default: break
        }
    }

    /// The wallet; opened, and its tokens shown, when it is first needed, and tried again if that failed.
    private func opened() async throws -> Wallet {
        if let wallet { return wallet }
        do {
            let made = try await openWallet()
            let events = made.events()
            try await add(made.tokens())
            // Another call may have opened it meanwhile.
            if let wallet { return wallet }
            wallet = made
            screen.loading = false
            screen.locked = false
            listening = Task { [weak self] in
                while let event = await events.next() { self?.heard(event) }
            }
            return made
        } catch {
            screen.loading = false
            screen.locked = wallet == nil
            throw error
        }
    }

    func heard(_ event: Event) {
        guard let id = event.token else {
            // Of what was missed nobody knows what it was.
            if event.kind == .missed { for item in screen.tokens { ask(item.id) } }
            return
        }
        switch event.kind {
        case .opened, .online, .confirmationAsked, .confirmationAnswered: ask(id)
        case .closed: settle(id, .closed)
        case .blocked: settle(id, .blocked)
        case .revoked: settle(id, .notEnrolled)
        case .offline: change(id) { $0.offline = true }
        case .unenrolled: gone(id)
        default: break
        }
    }

    /// Asks how a token stands, while the app is looked at: nobody waits for the answer, and nobody is told that there is none.
    private func ask(_ id: String) {
        if live == nil { return }
        Task { _ = await attempt(id) { try await refresh(opened().token(id)) } }
    }

    /// Answers a text, which is over then, or was already.
    private func answer(
        _ id: String, _ question: Question, _ give: @MainActor (Token, Confirmation) async throws -> Status
    ) async {
        await act(id) {
            guard let asked = waiting[question.id] else { return }
            do {
                show(id, try await give(opened().token(id), asked))
            } catch CardeaError.ConfirmationOver(let code, let reason) {
                answered(id, question)
                throw CardeaError.ConfirmationOver(code: code, reason: reason)
            }
            answered(id, question)
        }
    }

    /// Shows tokens that are not shown yet.
    private func add(_ tokens: [Token]) async throws {
        for token in tokens {
            let item = try await item(token)
            if !screen.tokens.contains(where: { $0.id == item.id }) { screen.tokens.append(item) }
        }
    }

    private func gone(_ id: String) {
        screen.tokens.removeAll { $0.id == id }
        if screen.compare?.token == id { screen.compare = nil }
    }

    private func item(_ token: Token) async throws -> Item {
        let info = try await token.info()
        let title = [info.label, info.service, info.host].first { !$0.isEmpty } ?? info.id
        return Item(id: info.id, title: title)
    }

    private func refresh(_ token: Token) async throws {
        let status = try await token.status()
        let id = token.id()
        show(id, status)
        if status.state == .notEnrolled || status.state == .blocked { return }
        let found = status.confirmations > 0 ? try await token.confirmations() : []
        for confirmation in found { waiting[confirmation.id()] = confirmation }
        change(id) { $0.texts = found.map { Question(id: $0.id(), text: $0.text()) } }
    }

    private func show(_ id: String, _ status: Status) {
        settle(id, status.state)
        let remaining = status.state == .open ? status.remainingSeconds : nil
        ends[id] = remaining.map { now() + Double($0) }
        change(id) {
            $0.remaining = remaining.map(Int.init)
            $0.triesLeft = status.triesLeft
            $0.offline = false
        }
    }

    func settle(_ id: String, _ state: State?) {
        ends[id] = nil
        change(id) {
            $0.state = state
            $0.remaining = nil
            if state == .blocked || state == .notEnrolled { $0.texts = [] }
        }
    }

    private func answered(_ id: String, _ question: Question) {
        waiting[question.id] = nil
        change(id) { $0.texts.removeAll { $0.id == question.id } }
    }

    private func change(_ id: String, _ change: (inout Item) -> Void) {
        for index in screen.tokens.indices where screen.tokens[index].id == id { change(&screen.tokens[index]) }
    }
}
