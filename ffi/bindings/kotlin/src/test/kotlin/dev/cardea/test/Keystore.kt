package dev.cardea.test

import android.security.keystore.KeyGenParameterSpec
import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.ProviderException
import java.security.SecureRandom
import java.security.Security
import java.security.UnrecoverableKeyException
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import javax.crypto.KeyGenerator
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey

/** A keystore that answers to the name of Android's and keeps its keys in memory. */
object Keystore {
    val keys: MutableMap<String, SecretKey> = mutableMapOf()
    /** Keys that nobody gets any more, until they are deleted. */
    val lost: MutableSet<String> = mutableSetOf()
    val asked: MutableList<KeyGenParameterSpec> = mutableListOf()

    /** Whether the device has StrongBox. */
    var strongBox = true

    fun reset() {
        keys.clear()
        lost.clear()
        asked.clear()
        strongBox = true
        if (Security.getProvider("AndroidKeyStore") == null) Security.addProvider(FakeProvider())
    }
}

private class FakeProvider : Provider("AndroidKeyStore", "1.0", "a stand-in") {
    init {
        put("KeyStore.AndroidKeyStore", FakeStore::class.java.name)
        put("KeyGenerator.AES", FakeGenerator::class.java.name)
    }
}

class FakeGenerator : KeyGeneratorSpi() {
    private lateinit var spec: KeyGenParameterSpec

    override fun engineInit(params: AlgorithmParameterSpec, random: SecureRandom?) {
        spec = params as KeyGenParameterSpec
    }

    override fun engineInit(random: SecureRandom?) = throw UnsupportedOperationException()

    override fun engineInit(keysize: Int, random: SecureRandom?) = throw UnsupportedOperationException()

    override fun engineGenerateKey(): SecretKey {
        Keystore.asked += spec
        if (spec.isStrongBoxBacked && !Keystore.strongBox) throw ProviderException("no StrongBox")
        val generator = KeyGenerator.getInstance("AES", "SunJCE")
        generator.init(spec.keySize)
        return generator.generateKey().also { Keystore.keys[spec.keystoreAlias] = it }
    }
}

class FakeStore : KeyStoreSpi() {
    override fun engineLoad(stream: InputStream?, password: CharArray?) {}

    override fun engineGetKey(alias: String, password: CharArray?): Key? {
        if (alias in Keystore.lost) throw UnrecoverableKeyException("$alias is of no use any more")
        return Keystore.keys[alias]
    }

    override fun engineContainsAlias(alias: String) = alias in Keystore.keys

    override fun engineIsKeyEntry(alias: String) = alias in Keystore.keys

    override fun engineSize() = Keystore.keys.size

    override fun engineAliases(): Enumeration<String> = Collections.enumeration(Keystore.keys.keys)

    override fun engineDeleteEntry(alias: String) {
        Keystore.keys.remove(alias)
        Keystore.lost.remove(alias)
    }

    override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null

    override fun engineGetCertificate(alias: String): Certificate? = null

    override fun engineGetCreationDate(alias: String): Date? = null

    override fun engineSetKeyEntry(alias: String, key: Key, password: CharArray?, chain: Array<Certificate>?) = unsupported()

    override fun engineSetKeyEntry(alias: String, key: ByteArray, chain: Array<Certificate>?) = unsupported()

    override fun engineSetCertificateEntry(alias: String, cert: Certificate) = unsupported()

    override fun engineIsCertificateEntry(alias: String) = false

    override fun engineGetCertificateAlias(cert: Certificate): String? = null

    override fun engineStore(stream: OutputStream?, password: CharArray?) = unsupported()

    private fun unsupported(): Nothing = throw UnsupportedOperationException()
}
