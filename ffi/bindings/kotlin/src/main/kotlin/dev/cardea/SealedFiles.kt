package dev.cardea

import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.io.RandomAccessFile
import java.security.GeneralSecurityException
import java.security.InvalidKeyException
import java.security.UnrecoverableKeyException
import javax.crypto.Cipher
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/**
 * Where an AES key is that never leaves it, such as Android's keystore. The key makes its own nonces.
 */
public interface KeySource {
    /**
     * The key; if there is none, a new one if [create] says so, and otherwise none.
     *
     * @throws GeneralSecurityException it cannot be had; [UnrecoverableKeyException] if it never can again.
     */
    public fun key(create: Boolean): SecretKey?

    /**
     * Removes the key for good, if there is one: also one that is of no use any more, which would otherwise be in the way of a
     * new one.
     *
     * @throws GeneralSecurityException it cannot be removed.
     */
    public fun delete()
}

/**
 * The key of the biometric slot is of no use any more: the holder's fingers or face were enrolled anew, or removed. What was
 * kept is forgotten by now, so that biometrics can be set up again at once.
 */
public class BiometricsChanged internal constructor(cause: Throwable?) :
    IOException("the biometrics of this device were changed: use the PIN and set biometrics up again", cause)

/**
 * A [SecretStore] of files in [folder], each encrypted with AES-GCM under the one key of [keys] and bound to its name.
 *
 * A file whose key is gone, or that was changed or swapped, is an error and never an absent secret.
 */
public class SealedSecretStore(private val folder: File, private val keys: KeySource) : SecretStore {
    @Synchronized
    override fun load(name: String): ByteArray? {
        val sealed = SealedFile(file(name)).read() ?: return null
        val key = sealing(name) { keys.key(create = false) } ?: throw IOException("the key that $name is encrypted with is gone")
        return sealing(name) { sealed.open(sealed.decryptor(key), name) }
    }

    @Synchronized
    override fun save(name: String, secret: ByteArray) {
        val key = sealing(name) { keys.key(create = true) } ?: throw IOException("no key can be made to encrypt $name with")
        val sealed = sealing(name) { Sealed.of(encryptor(key), name, secret) }
        SealedFile(file(name)).write(sealed)
    }

    @Synchronized
    override fun remove(name: String) {
        val file = file(name)
        if (!file.delete() && file.exists()) throw IOException("cannot remove $name")
    }

    private fun file(name: String): File {
        if (!NAME.matches(name)) throw IOException("no name for a secret: ${name.take(64)}")
        return folder.resolve("$name.sealed")
    }

    private companion object {
        val NAME = Regex("[a-z0-9][a-z0-9._-]{0,63}")
    }
}

/**
 * Keeps the key of the biometric slot so that only a finger or a face gets it out: [keys] has to be a key that the
 * operating system unlocks for one use by biometrics. Between `begin` and `finish` the app shows the system's dialog with
 * the cipher, which is unlocked then.
 */
public class BiometricVault(file: File, private val keys: KeySource) {
    private val file = SealedFile(file)

    /** Whether something is kept. */
    public val isFilled: Boolean get() = file.exists()

    /**
     * A cipher that [finishSave] encrypts with once the holder was recognized.
     *
     * @throws BiometricsChanged what was kept before was of no use any more; call this again for a new key.
     * @throws IOException there is no key.
     */
    public fun beginSave(): Cipher = unlocked {
        encryptor(keys.key(create = true) ?: throw IOException("no key can be made that biometrics protect"))
    }

    /** Keeps [key], which is overwritten. */
    public fun finishSave(cipher: Cipher, key: ByteArray) {
        try {
            file.write(sealing(NAME) { Sealed.of(cipher, NAME, key) })
        } finally {
            key.fill(0)
        }
    }

    /**
     * A cipher that [finishLoad] decrypts with once the holder was recognized; none if nothing is kept.
     *
     * @throws BiometricsChanged what was kept is of no use any more.
     * @throws IOException it cannot be read.
     */
    public fun beginLoad(): Cipher? {
        val sealed = file.read() ?: return null
        return unlocked { sealed.decryptor(keys.key(create = false) ?: throw InvalidKeyException("the key is gone")) }
    }

    /** The key of the biometric slot: for [Approval.Biometric], which overwrites it. */
    public fun finishLoad(cipher: Cipher): ByteArray {
        val sealed = file.read() ?: throw IOException("nothing is kept any more")
        return sealing(NAME) { sealed.open(cipher, NAME) }
    }

    /**
     * Forgets the key, and the one that protects it.
     *
     * @throws IOException one of them cannot be removed.
     */
    public fun clear() {
        file.delete()
        try {
            keys.delete()
        } catch (error: GeneralSecurityException) {
            throw IOException("the key that biometrics protect cannot be removed", error)
        }
    }

    private fun unlocked(cipher: () -> Cipher): Cipher = try {
        cipher()
    } catch (error: InvalidKeyException) {
        throw changed(error)
    } catch (error: UnrecoverableKeyException) {
        throw changed(error)
    } catch (error: GeneralSecurityException) {
        throw IOException("the key that biometrics protect cannot be used", error)
    }

    /** Android says so when a finger was added. What is kept can never be read again, and its key stays useless for ever. */
    private fun changed(error: GeneralSecurityException): BiometricsChanged {
        clear()
        return BiometricsChanged(error)
    }

    private companion object {
        const val NAME = "biometric"
    }
}

private const val TRANSFORMATION = "AES/GCM/NoPadding"
private const val TAG_BITS = 128

private fun encryptor(key: SecretKey): Cipher =
    Cipher.getInstance(TRANSFORMATION).also { it.init(Cipher.ENCRYPT_MODE, key) }

private inline fun <T> sealing(name: String, action: () -> T): T = try {
    action()
} catch (error: GeneralSecurityException) {
    throw IOException("$name cannot be encrypted or decrypted: it was changed, or its key was", error)
}

/** Format 1, length of the nonce, nonce, encrypted secret with its tag. The name is authenticated with it. */
private class Sealed(private val nonce: ByteArray, private val encrypted: ByteArray) {
    fun bytes(): ByteArray = byteArrayOf(FORMAT, nonce.size.toByte()) + nonce + encrypted

    fun decryptor(key: SecretKey): Cipher =
        Cipher.getInstance(TRANSFORMATION).also { it.init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(TAG_BITS, nonce)) }

    fun open(cipher: Cipher, name: String): ByteArray {
        cipher.updateAAD(name.toByteArray())
        return cipher.doFinal(encrypted)
    }

    companion object {
        private const val FORMAT: Byte = 1

        fun of(cipher: Cipher, name: String, secret: ByteArray): Sealed {
            cipher.updateAAD(name.toByteArray())
            return Sealed(cipher.iv, cipher.doFinal(secret))
        }

        fun parse(bytes: ByteArray): Sealed? {
            val size = bytes.getOrNull(1)?.toInt() ?: return null
            if (bytes[0] != FORMAT || size !in 12..16 || bytes.size < 2 + size + TAG_BITS / 8) return null
            return Sealed(bytes.copyOfRange(2, 2 + size), bytes.copyOfRange(2 + size, bytes.size))
        }
    }
}

/** A small file that is replaced as a whole. Only functions that Android has had since API level 24. */
private class SealedFile(private val file: File) {
    fun exists(): Boolean = file.exists()

    fun delete() {
        if (!file.delete() && file.exists()) throw IOException("cannot remove ${file.name}")
    }

    fun read(): Sealed? {
        if (!file.exists()) return null
        if (file.length() > LARGEST) throw IOException("${file.name} is too large")
        return Sealed.parse(file.readBytes()) ?: throw IOException("${file.name} is damaged")
    }

    fun write(sealed: Sealed) {
        val bytes = sealed.bytes()
        if (bytes.size > LARGEST) throw IOException("${file.name} would be too large")
        val folder = file.absoluteFile.parentFile
        if (folder != null && !folder.isDirectory && !folder.mkdirs()) throw IOException("cannot make ${folder.name}")
        val fresh = File(folder, "${file.name}.new")
        FileOutputStream(fresh).use { stream ->
            stream.write(bytes)
            stream.fd.sync()
        }
        if (!fresh.renameTo(file)) throw IOException("cannot replace ${file.name}")
        // The name, too, has to be on the disk before anybody relies on it.
        RandomAccessFile(file, "rw").use { it.fd.sync() }
    }

    private companion object {
        const val LARGEST = 64 * 1024
    }
}
