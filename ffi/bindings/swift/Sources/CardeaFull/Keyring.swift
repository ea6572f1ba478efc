import Cardea

extension WalletHost {
    /// Keeps the wallet's secret in the keyring of the desktop (the Secret Service on Linux, the Keychain on macOS).
    ///
    /// The keyring is asked when the wallet is opened, and may ask the holder to unlock it. On iOS use the Keychain by
    /// `WalletHost.apple(service:)`, which needs no feature.
    ///
    /// - Parameter service: sets the wallet's items apart from others.
    public static func keyring(service: String = "cardea") -> WalletHost {
        WalletHost(secrets: osKeyring(service: service))
    }
}
