import CardeaFull
import Foundation

/// Plays one scenario against a server of its own. What its steps do is in the other files of this name.
actor Player {
    let server: Server
    let folder: URL
    /// What hosts with a presence or a store of secrets do.
    let behavior = Behavior()
    var wallets: [String: Opened] = [:]
    var current = "main"
    var invited: [String: (link: String, code: String)] = [:]
    var enrolled: [String: (wallet: String, token: String)] = [:]
    /// The confirmations that relying parties asked for, by user.
    var asked: [String: String] = [:]
    /// The texts that a holder has seen, by user.
    var waiting: [String: [Confirmation]] = [:]
    /// Devices that a step is about, asked for before its server goes away.
    var others: [String: String] = [:]
    var live: Live?
    var party = Party()
    private var counter = 0

    /// A wallet, its folder, its host, and who listens to it.
    struct Opened {
        var folder: URL
        var wallet: Wallet?
        var events: Events?
        let options: Options
        var clock: Int64 = 0
        var presence: PlayedPresence?
        var secrets: PlayedSecrets?

        var host: WalletHost {
            WalletHost(clock: clock == 0 ? nil : ShiftedClock(by: clock), secrets: secrets, presence: presence)
        }
    }

    struct Options {
        var strict = false
        var automatic = false

        func `in`(_ folder: URL) -> WalletOptions {
            WalletOptions(
                folder: folder.path, allowTestArgon2: !strict, emulated: true, recoverInBackground: false,
                transport: automatic ? .automatic : .tcp)
        }
    }

    init() throws {
        server = try Server()
        folder = server.folder
    }

    func play(_ scenario: Scenario) async throws {
        try await open("main", Opened(folder: fresh(), options: Options()))
        for step in scenario.steps {
            let outcome = try await outcome(of: step)
            let expected = step.expected ?? "ok"
            // A step that says nothing of what comes out must only succeed.
            let holds = expected == "ok" ? !outcome.hasPrefix("error ") : outcome == expected
            if !holds {
                throw Broken("\(scenario.name), line \(step.line): \(step.verb) gave \(outcome) instead of \(expected)")
            }
        }
    }

    /// What a step came to, errors of the SDK among it.
    func outcome(of step: Step) async throws -> String {
        do {
            if let said = try operate(step) { return said }
            if let said = try await arrange(step) { return said }
            if let said = try await rely(step) { return said }
            if let said = try await disturb(step) { return said }
            return try await use(step)
        } catch let error as CardeaError {
            return "error \(error.code)"
        }
    }

    func fresh() -> URL {
        counter += 1
        return folder.appendingPathComponent("wallet\(counter)")
    }

    func open(_ name: String, _ opened: Opened) async throws {
        // Also if it cannot be opened: it may be tried again.
        (wallets[name], current) = (opened, name)
        try await reopen(name)
    }

    func reopen(_ name: String) async throws {
        drop(name)
        guard var opened = wallets[name] else { throw Broken("there is no wallet \(name)") }
        let wallet = try await Wallet.open(opened.options.in(opened.folder), host: opened.host)
        opened.wallet = wallet
        opened.events = wallet.events()
        wallets[name] = opened
    }

    func drop(_ name: String) {
        wallets[name]?.wallet = nil
        wallets[name]?.events = nil
        waiting.removeAll()
    }

    var wallet: Wallet {
        get throws {
            guard let wallet = wallets[current]?.wallet else { throw Broken("no wallet is open") }
            return wallet
        }
    }

    func token(_ user: String) async throws -> Token {
        guard let (home, token) = enrolled[user] else { throw Broken("\(user) is not enrolled") }
        if home != current, let other = try? await wallet.token(token) { return other }
        guard let wallet = wallets[home]?.wallet else { throw Broken("no wallet is open") }
        return try await wallet.token(token)
    }

    func invite(_ user: String, _ how: String?) throws {
        let more = how.map { #","\#($0)Device":true"# } ?? ""
        let answer = try server.call("enroll", user, more)
        guard let link = answer["link"] as? String, let code = answer["code"] as? String else {
            throw Broken("no invitation: \(answer)")
        }
        invited[user] = (link, code)
    }

    func link(of user: String) throws -> (link: String, code: String) {
        if invited[user] == nil { try invite(user, nil) }
        guard let found = invited[user] else { throw Broken("\(user) is not invited") }
        return found
    }
}

/// A name of Swift's as the pages write it.
func snake(_ name: String) -> String {
    name.map { $0.isUppercase ? "_\($0.lowercased())" : "\($0)" }.joined()
}

/// A text as the pages write it.
func quoted(_ text: String) -> String { "\"\(text)\"" }

func yesOrNo(_ fact: Bool) -> String { quoted(fact ? "yes" : "no") }

func said(_ status: Status) -> String { snake("\(status.state)") }
