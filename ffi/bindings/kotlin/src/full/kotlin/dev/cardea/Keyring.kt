package dev.cardea

import dev.cardea.ffi.osKeyring as lowKeyring

/**
 * The keyring of the operating system as a [SecretStore]: the Secret Service on Linux, the Keychain on macOS, Credential
 * Manager on Windows. [service] is the name under which a person finds the entries there.
 *
 * Nothing is asked yet. Each use may block, and may ask the person to unlock the keyring.
 */
public fun osKeyring(service: String): SecretStore = NativeSecrets(immediately { lowKeyring(service.whole()) })
