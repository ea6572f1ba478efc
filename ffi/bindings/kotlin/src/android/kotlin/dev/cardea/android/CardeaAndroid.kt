package dev.cardea.android

import android.content.Context
import dev.cardea.BiometricVault
import dev.cardea.Host
import dev.cardea.LogSink
import dev.cardea.Presence
import dev.cardea.SealedSecretStore
import dev.cardea.SecretStore
import dev.cardea.Wallet
import dev.cardea.WalletOptions
import java.io.File

/** Where an Android app keeps its tokens, and what protects them. Nothing of it is in a backup of the device. */
public object CardeaAndroid {
    /**
     * Opens the app's wallet: in the app's folder that is never backed up, encrypted with a key that is itself encrypted by
     * Android's keystore. One for the whole app is what is meant: keep it in the `Application`.
     */
    public suspend fun openWallet(
        context: Context,
        options: WalletOptions = WalletOptions(),
        presence: Presence? = null,
        log: LogSink? = null,
    ): Wallet {
        val host = Host(secrets = secretStore(context), presence = presence, log = log)
        return Wallet.open(folder(context).resolve("wallet"), options, host)
    }

    /** Secrets in files that only a key in Android's keystore decrypts. */
    public fun secretStore(context: Context): SecretStore =
        SealedSecretStore(folder(context).resolve("secrets"), KeystoreKeys("dev.cardea.secrets"))

    /** The key of the biometric slot, behind a finger or a face. */
    public fun biometricVault(context: Context): BiometricVault =
        BiometricVault(folder(context).resolve("biometric.sealed"), KeystoreKeys("dev.cardea.biometric", biometric = true))

    private fun folder(context: Context): File = context.noBackupFilesDir.resolve("cardea")
}
