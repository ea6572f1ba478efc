import Cardea

extension WalletHost {
    /// Stands in for what keeps the wallet's secret on Apple systems.
    public static func apple(service: String = "cardea") -> WalletHost { WalletHost() }
}
