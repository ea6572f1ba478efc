import CardeaGenerated

extension CardeaError: CustomStringConvertible, CustomDebugStringConvertible {
    /// The stable number, the same in every language. `docs/sdk/errors.md` has them all.
    public var code: UInt32 { number() }

    /// A text for a person, without secrets, and the number.
    public var description: String { "\(explanation()) (code \(number()))" }

    /// The same: it is what `localizedDescription` is made of.
    public var debugDescription: String { description }
}
