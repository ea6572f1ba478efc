import Cardea

extension TokensModel {
    /// What is to be seen.
    public struct Screen: Equatable, Sendable {
        /// It is not known yet what is in the wallet.
        public var loading = true
        /// The wallet could not be opened: ``TokensModel/start()`` tries again.
        public var locked = false
        public var tokens: [Item] = []
        /// An invitation waits to be accepted.
        public var invited: Invited?
        /// Digits wait to be compared.
        public var compare: Comparison?
        /// Something is on its way.
        public var busy = false
        /// For the person.
        public var message: String?

        /// One with nothing on it yet.
        public init() {}
    }

    /// A token on the screen.
    public struct Item: Equatable, Identifiable, Sendable {
        public let id: String
        public var title: String
        /// Unknown until its server has answered, and after it has not.
        public var state: State?
        /// How many seconds it is still open.
        public var remaining: Int?
        /// Its server cannot be reached: the rest is what it said last.
        public var offline = false
        /// How many wrong PINs there may be until it is blocked.
        public var triesLeft: UInt8?
        public var texts: [Question] = []
    }

    /// A text that waits to be approved or denied.
    public struct Question: Equatable, Identifiable, Sendable {
        public let id: String
        public let text: String
    }

    /// An invitation.
    public struct Invited: Equatable, Identifiable, Sendable {
        public let id: Int
        /// The host that it leads to: whom the holder trusts.
        public let host: String
    }

    /// Six digits that somebody in between could not make the same.
    public struct Comparison: Equatable, Sendable {
        /// The token that was enrolled.
        public let token: String
        public let digits: String
        /// The holder has seen others on the enrolling page.
        public var differs = false
    }
}
