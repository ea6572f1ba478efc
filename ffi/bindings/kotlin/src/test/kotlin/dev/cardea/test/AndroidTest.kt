package dev.cardea.test

import android.content.Context
import android.os.Build
import android.security.keystore.KeyProperties
import dev.cardea.BiometricsChanged
import dev.cardea.CardeaException
import dev.cardea.KeySource
import dev.cardea.SealedSecretStore
import dev.cardea.android.CardeaAndroid
import dev.cardea.android.KeystoreKeys
import java.io.File
import java.io.IOException
import java.security.GeneralSecurityException
import javax.crypto.spec.SecretKeySpec
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Before
import org.junit.Test

/** What is for Android, with stand-ins for Android's classes and for its keystore. */
class AndroidTest {
    private val folder = newFolder()
    private val secret = ByteArray(32) { it.toByte() }

    @Before
    fun begin() {
        Keystore.reset()
        Build.VERSION.SDK_INT = 35
    }

    @After
    fun clean() {
        Build.VERSION.SDK_INT = 35
        folder.deleteRecursively()
    }

    private fun store(keys: KeySource = KeystoreKeys("test")) = SealedSecretStore(folder.resolve("secrets"), keys)

    private fun files() = folder.walk().filter(File::isFile).toList()

    @Test
    fun `a secret is there after a restart and nowhere in plain`() {
        assertNull(store().load("wallet"))
        store().save("wallet", secret)
        assertContentEquals(secret, store().load("wallet"))
        store().save("wallet", secret.reversedArray())
        assertContentEquals(secret.reversedArray(), store().load("wallet"))
        val (file) = files()
        val plain = String(secret, Charsets.ISO_8859_1).substring(0, 8)
        assertFalse(plain in String(file.readBytes(), Charsets.ISO_8859_1))
        store().remove("wallet")
        store().remove("wallet")
        assertNull(store().load("wallet"))
    }

    @Test
    fun `a key that is gone is an error and never an absent secret`() {
        store().save("wallet", secret)
        Keystore.keys.clear()
        assertFailsWith<IOException> { store().load("wallet") }
        store(KeystoreKeys("test")).also { assertTrue(Keystore.keys.isEmpty(), "loading made a key") }
        Keystore.keys["test"] = SecretKeySpec(ByteArray(32), "AES")
        assertFailsWith<IOException> { store().load("wallet") }
    }

    @Test
    fun `files that were changed, cut, swapped or are too large are errors`() {
        store().save("a", secret)
        store().save("b", secret.reversedArray())
        val file = folder.resolve("secrets/a.sealed")
        val good = file.readBytes()
        for (index in good.indices) {
            file.writeBytes(good.copyOf().also { it[index] = (it[index].toInt() xor 1).toByte() })
            assertFailsWith<IOException>("byte $index") { store().load("a") }
            file.writeBytes(good.copyOf(index))
            assertFailsWith<IOException>("$index bytes") { store().load("a") }
        }
        folder.resolve("secrets/b.sealed").copyTo(file, overwrite = true)
        assertFailsWith<IOException> { store().load("a") }
        file.writeBytes(ByteArray(100_000))
        assertFailsWith<IOException> { store().load("a") }
    }

    @Test
    fun `names cannot lead out of the folder`() {
        for (name in listOf("", "..", "../x", "a/b", "A", "a\u0000", "a".repeat(65), ".hidden")) {
            assertFailsWith<IOException>(name) { store().save(name, secret) }
            assertFailsWith<IOException>(name) { store().load(name) }
        }
        assertEquals(emptyList(), files())
    }

    @Test
    fun `a folder that cannot be written is an error and leaves what was there`() {
        store().save("wallet", secret)
        val blocked = folder.resolve("secrets/other.sealed.new").also { it.mkdirs() }
        assertFailsWith<IOException> { store().save("other", secret) }
        assertTrue(blocked.isDirectory)
        assertContentEquals(secret, store().load("wallet"))
    }

    @Test
    fun `keys are in StrongBox where there is one`() {
        assertNotNull(KeystoreKeys("a").key(create = true))
        val (spec) = Keystore.asked
        assertEquals(listOf("GCM"), spec.blockModes)
        assertEquals(listOf("NoPadding"), spec.paddings)
        assertEquals(256, spec.keySize)
        assertEquals(KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT, spec.purposes)
        assertTrue(spec.isStrongBoxBacked && !spec.isUserAuthenticationRequired)
        assertEquals(Keystore.keys["a"], KeystoreKeys("a").key(create = true))
        assertEquals(1, Keystore.asked.size)
    }

    @Test
    fun `without StrongBox, and on devices that know none, the trusted environment has them`() {
        Keystore.strongBox = false
        assertNotNull(KeystoreKeys("a").key(create = true))
        assertEquals(listOf(true, false), Keystore.asked.map { it.isStrongBoxBacked })
        Keystore.asked.clear()
        Build.VERSION.SDK_INT = 24
        assertNotNull(KeystoreKeys("b").key(create = true))
        assertEquals(listOf(false), Keystore.asked.map { it.isStrongBoxBacked })
        assertNull(KeystoreKeys("c").key(create = false))
    }

    @Test
    fun `a biometric key needs a finger for each use and dies with the fingers`() {
        for (level in listOf(24, 29, 30, 35)) {
            Keystore.reset()
            Build.VERSION.SDK_INT = level
            KeystoreKeys("finger", biometric = true).key(create = true)
            val spec = Keystore.asked.last()
            assertTrue(spec.isUserAuthenticationRequired && spec.isInvalidatedByBiometricEnrollment)
            assertEquals((if (level < 30) -1 else 0) to KeyProperties.AUTH_BIOMETRIC_STRONG, spec.authentication)
        }
    }

    @Test
    fun `the key of the biometric slot comes out as it went in`() {
        val vault = CardeaAndroid.biometricVault(Context(folder))
        assertFalse(vault.isFilled)
        assertNull(vault.beginLoad())
        val given = secret.copyOf()
        vault.finishSave(vault.beginSave(), given)
        assertContentEquals(ByteArray(32), given)
        assertTrue(vault.isFilled)
        assertContentEquals(secret, vault.finishLoad(vault.beginLoad()!!))
        vault.clear()
        assertNull(vault.beginLoad())
        assertFailsWith<IOException> { vault.finishLoad(vault.beginSave()) }
    }

    @Test
    fun `changed biometrics end what was kept, and can be set up again`() {
        val vault = CardeaAndroid.biometricVault(Context(folder))
        // A key that no cipher takes, and one that the keystore does not hand out: devices differ.
        val ends = listOf<() -> Unit>(
            { Keystore.keys["dev.cardea.biometric"] = SecretKeySpec(ByteArray(5), "AES") },
            { Keystore.lost += "dev.cardea.biometric" },
        )
        for (end in ends) {
            for (use in listOf<() -> Any?>(vault::beginLoad, vault::beginSave)) {
                vault.finishSave(vault.beginSave(), secret.copyOf())
                end()
                assertIs<GeneralSecurityException>(assertFailsWith<BiometricsChanged> { use() }.cause)
                assertFalse(vault.isFilled)
                assertNull(vault.beginLoad())
                vault.finishSave(vault.beginSave(), secret.copyOf())
                assertContentEquals(secret, vault.finishLoad(vault.beginLoad()!!))
            }
        }
        vault.clear()
        assertEquals(emptySet<String>(), Keystore.keys.keys)
    }

    @Test
    fun `the key of the folder is never deleted, whatever becomes of it`() {
        store().save("wallet", secret)
        Keystore.lost += "test"
        assertFailsWith<IOException> { store().load("wallet") }
        assertFailsWith<IOException> { store().save("wallet", secret) }
        store().remove("other")
        Keystore.lost.clear()
        assertContentEquals(secret, store().load("wallet"))
    }

    @Test
    fun `a wallet on Android is where nothing is backed up, with its key behind the keystore`(): Unit = runBlocking {
        val context = Context(folder)
        val wallet = CardeaAndroid.openWallet(context, OPTIONS)
        val token = wallet.enroll(Server.shared.enroll(newUser()), pin()).token
        wallet.close()
        val again = CardeaAndroid.openWallet(context, OPTIONS)
        assertEquals(listOf(token.id), again.tokens().map { it.id })
        again.close()
        assertTrue(files().any { it.path.contains("secrets") && it.name.endsWith(".sealed") }, files().toString())
        assertFalse(files().any { it.name == "store.key" })
        Keystore.keys.clear()
        assertFailsWith<CardeaException.Storage> { CardeaAndroid.openWallet(context, OPTIONS) }
    }
}
