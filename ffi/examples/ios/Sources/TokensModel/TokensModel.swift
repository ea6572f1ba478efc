import Cardea

/// Everything that the app does, without a line of SwiftUI. The screen shows ``screen`` and calls the functions.
@MainActor
public final class TokensModel {
    /// What is to be seen.
    public struct Screen: Equatable, Sendable {
        public var loading = true
        public var tokens: [Item] = []
        /// The host that an invitation leads to which waits to be accepted.
        public var invited: String?
        /// Six digits to compare with those on the enrolling page.
        public var compare: String?
        /// Something is on its way.
        public var busy = false
        /// For the person.
        public var message: String?
    }

    /// A token on the screen.
    public struct Item: Equatable, Identifiable, Sendable {
        public let id: String
        public var title: String
        /// Unknown until its server has answered.
        public var state: State?
        /// How many seconds it is still open.
        public var remaining: Int?
        public var texts: [Question] = []
    }

    /// A text that waits to be approved or denied.
    public struct Question: Equatable, Identifiable, Sendable {
        public let id: String
        public let text: String
    }

    public private(set) var screen = Screen() {
        didSet { if screen != oldValue { changed() } }
    }
    /// Called after every change of ``screen``.
    public var changed: @MainActor () -> Void = {}

    private let openWallet: @Sendable () async throws -> Wallet
    private let now: @MainActor () -> Double
    private var wallet: Wallet?
    private var live: Live?
    private var running = 0
    private var listening: Task<Void, Never>?
    private var invitation: Invitation?
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
        await act {
            let tokens = try await self.opened().tokens()
            var items: [Item] = []
            for token in tokens { items.append(try await self.item(token)) }
            self.screen.tokens = items
            self.screen.loading = false
        }
        await refreshAll()
    }

    /// The app is looked at: keeps sessions, so that what happens elsewhere is seen at once, and asks how all tokens stand.
    public func look() async {
        await act { if self.live == nil { self.live = try await self.opened().goLive() } }
        live?.wake()
        await refreshAll()
    }

    /// The app is not looked at any more: no connection is left.
    public func away() async {
        let ending = live
        live = nil
        await act { try await ending?.stop() }
    }

    /// A link was tapped, scanned or pasted. Nothing is used up before the holder accepts.
    public func invite(_ text: String) async {
        await act {
            self.decline()
            let invitation = try Invitation.fromText(text: text)
            self.invitation = invitation
            self.screen.invited = invitation.preview().host
        }
    }

    /// The holder does not want the invitation.
    public func decline() {
        invitation = nil
        screen.invited = nil
    }

    /// The holder accepts and has chosen a PIN, typed twice. Both are wiped.
    public func accept(_ pin: inout [UInt8], repeated: inout [UInt8]) async {
        let same = pin == repeated
        var none: [[UInt8]] = []
        _ = NewPins.wiping(&repeated, duress: &none)
        let pins = NewPins.wiping(&pin, duress: &none)
        await act {
            guard let invitation = self.invitation else { return }
            guard same else {
                self.screen.message = "These were two different PINs."
                return
            }
            let enrolled = try await self.opened().enroll(invitation, pins)
            self.decline()
            self.screen.tokens.append(try await self.item(enrolled.token))
            self.screen.compare = enrolled.shortString
            try await self.refresh(enrolled.token)
        }
    }

    /// The digits were compared.
    public func compared() { screen.compare = nil }

    /// Opens a token, or extends its opening. The PIN is wiped.
    public func open(_ id: String, pin: inout [UInt8]) async {
        let approval = Approval.pin(wiping: &pin)
        await act { self.show(id, try await self.opened().token(id).open(approval)) }
    }

    /// Closes a token. Needs no PIN.
    public func close(_ id: String) async {
        await act { self.show(id, try await self.opened().token(id).close()) }
    }

    /// Asks the server how a token stands and what waits.
    public func refresh(_ id: String) async {
        await act { try await self.refresh(self.opened().token(id)) }
    }

    /// Asks the server how each token stands. That one server is away says nothing of the others.
    public func refreshAll() async {
        for item in screen.tokens { await act(keepingMessage: true) { try await self.refresh(self.opened().token(item.id)) } }
    }

    /// Removes a token that its server does not know any more.
    public func remove(_ id: String) async {
        await act {
            try await self.opened().token(id).forget()
            self.screen.tokens.removeAll { $0.id == id }
        }
    }

    /// Approves a text. The PIN is wiped.
    public func approve(_ id: String, _ question: Question, pin: inout [UInt8]) async {
        let approval = Approval.pin(wiping: &pin)
        await act {
            guard let asked = self.waiting[question.id] else { return }
            self.show(id, try await self.opened().token(id).approve(asked, approval))
            self.answered(id, question)
        }
    }

    /// Denies a text. Needs no PIN.
    public func deny(_ id: String, _ question: Question, because reason: DenyReason? = nil) async {
        await act {
            guard let asked = self.waiting[question.id] else { return }
            self.show(id, try await self.opened().token(id).deny(asked, because: reason))
            self.answered(id, question)
        }
    }

    /// The message was read.
    public func read() { screen.message = nil }

    /// To be called every second while the screen is seen: counts down, and closes what has run out.
    public func tick() {
        for index in screen.tokens.indices where screen.tokens[index].state == .open {
            guard let end = ends[screen.tokens[index].id] else { continue }
            let left = end - now()
            if left > 0 {
                screen.tokens[index].remaining = Int(left.rounded(.up))
            } else {
                screen.tokens[index].state = .closed
                screen.tokens[index].remaining = nil
            }
        }
    }

    private func act(keepingMessage: Bool = false, _ action: @MainActor () async throws -> Void) async {
        running += 1
        screen.busy = true
        if !keepingMessage { screen.message = nil }
        defer {
            running -= 1
            screen.busy = running > 0
        }
        do {
            try await action()
        } catch let error as CardeaError {
            screen.message = error.explanation()
        } catch {
            // The task was cancelled: nobody is looking.
        }
    }

    /// The wallet; opened when it is first needed, and tried again if that failed.
    private func opened() async throws -> Wallet {
        if let wallet { return wallet }
        let made = try await openWallet()
        // Another call may have opened it meanwhile.
        if let wallet { return wallet }
        wallet = made
        let events = made.events()
        listening = Task { [weak self] in
            while let event = await events.next() {
                guard let self else { return }
                await self.heard(event)
            }
        }
        return made
    }

    private func heard(_ event: Event) async {
        guard let id = event.token else { return }
        switch event.kind {
        case .confirmationAsked, .revoked:
            await act(keepingMessage: true) { try await self.refresh(self.opened().token(id)) }
        case .unenrolled: screen.tokens.removeAll { $0.id == id }
        case .closed: settle(id, .closed)
        case .blocked: settle(id, .blocked)
        default: break
        }
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
        let remaining = status.state == .open ? status.remainingSeconds : nil
        ends[id] = remaining.map { now() + Double($0) }
        change(id) {
            $0.state = status.state
            $0.remaining = remaining.map(Int.init)
        }
    }

    private func settle(_ id: String, _ state: State) {
        ends[id] = nil
        change(id) {
            $0.state = state
            $0.remaining = nil
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
