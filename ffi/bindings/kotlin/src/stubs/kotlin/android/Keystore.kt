@file:Suppress("unused", "UNUSED_PARAMETER")

package android.security.keystore

import java.security.spec.AlgorithmParameterSpec

object KeyProperties {
    const val PURPOSE_ENCRYPT = 1
    const val PURPOSE_DECRYPT = 2
    const val BLOCK_MODE_GCM = "GCM"
    const val ENCRYPTION_PADDING_NONE = "NoPadding"
    const val KEY_ALGORITHM_AES = "AES"
    const val AUTH_BIOMETRIC_STRONG = 2
}

/** Remembers what was asked for, for the tests' own keystore. */
class KeyGenParameterSpec private constructor(val keystoreAlias: String, val purposes: Int) : AlgorithmParameterSpec {
    var blockModes: List<String> = emptyList()
        private set
    var paddings: List<String> = emptyList()
        private set
    var keySize: Int = 0
        private set
    var isStrongBoxBacked: Boolean = false
        private set
    var isUserAuthenticationRequired: Boolean = false
        private set
    var isInvalidatedByBiometricEnrollment: Boolean = false
        private set
    var authentication: Pair<Int, Int>? = null
        private set

    class Builder(keystoreAlias: String, purposes: Int) {
        private val spec = KeyGenParameterSpec(keystoreAlias, purposes)

        fun setBlockModes(vararg modes: String): Builder = also { spec.blockModes = modes.toList() }

        fun setEncryptionPaddings(vararg paddings: String): Builder = also { spec.paddings = paddings.toList() }

        fun setKeySize(size: Int): Builder = also { spec.keySize = size }

        fun setIsStrongBoxBacked(backed: Boolean): Builder = also { spec.isStrongBoxBacked = backed }

        fun setUserAuthenticationRequired(required: Boolean): Builder = also { spec.isUserAuthenticationRequired = required }

        fun setInvalidatedByBiometricEnrollment(invalidated: Boolean): Builder =
            also { spec.isInvalidatedByBiometricEnrollment = invalidated }

        fun setUserAuthenticationParameters(timeout: Int, type: Int): Builder = also { spec.authentication = timeout to type }

        fun setUserAuthenticationValidityDurationSeconds(seconds: Int): Builder =
            also { spec.authentication = seconds to KeyProperties.AUTH_BIOMETRIC_STRONG }

        fun build(): KeyGenParameterSpec = spec
    }
}
