package dev.cardea.test

import dev.cardea.CardeaException
import dev.cardea.Clock
import dev.cardea.Host
import dev.cardea.Invitation
import dev.cardea.Pins
import dev.cardea.State
import dev.cardea.Wallet
import dev.cardea.osKeyring
import java.io.File
import java.io.IOException
import java.lang.reflect.InvocationTargetException
import java.net.URLClassLoader
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.system.exitProcess
import kotlinx.coroutines.runBlocking

/** Another JVM like this one, which runs [main]; [more] on its class path, and [without] one of the settings. */
fun childProgram(
    vararg arguments: String,
    more: String? = null,
    without: String? = null,
    heap: List<String> = listOf("-Xmx256m"),
    environment: Map<String, String> = emptyMap(),
): Process {
    val settings = listOf("jna.library.path").filter { it != without }.map { "-D$it=${System.getProperty(it)}" }
    val path = System.getProperty("java.class.path") + (more?.let { File.pathSeparator + it } ?: "")
    val java = listOf(File(System.getProperty("java.home"), "bin/java").path, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
    val builder = ProcessBuilder(java + heap + settings + listOf("-cp", path, "dev.cardea.test.ChildKt") + arguments)
    // Where cargo looks, a library would be found before the one in the jar.
    builder.environment().remove("LD_LIBRARY_PATH")
    builder.environment().putAll(environment)
    return builder.redirectError(ProcessBuilder.Redirect.INHERIT).start()
}

/** A program of its own, for what happens between programs. Every line that it prints is something that it did. */
fun main(args: Array<String>) {
    when (args[0]) {
        "rounds" -> rounds(File(args[1]), args[2].toInt())
        "twice" -> twice(args[1], args[2])
        "shared" -> shared(args[1])
        "cycles" -> cycles(args[1], args[2].toInt())
        "keyring" -> keyring(File(args[1]))
        else -> error("nothing is named ${args[0]}")
    }
    exitProcess(0)
}

/** Opens and closes the one token of a folder so many times. */
private fun rounds(folder: File, count: Int) = runBlocking {
    val token = Wallet.open(folder, OPTIONS).tokens().single()
    repeat(count) {
        token.open(pin())
        println("open")
        token.close()
        println("closed")
    }
}

/** A wallet whose key is in the keyring, opened twice; then the key goes. */
private fun keyring(folder: File) = runBlocking {
    val keys = osKeyring("dev.cardea.test")
    suspend fun open(): Boolean = try {
        check(Wallet.open(folder, OPTIONS.copy(recoverInBackground = false), Host(secrets = keys)).tokens().isEmpty())
        println("opened")
        true
    } catch (error: CardeaException.Storage) {
        println("wallet ${error.code}")
        false
    }
    if (!open()) {
        try {
            println("load ${keys.load("any")}")
        } catch (error: IOException) {
            println("load ${error.javaClass.simpleName}")
        }
        return@runBlocking
    }
    open()
    val name = "cardea-" + folder.resolve("store.id").readText()
    println("${keys.load(name)?.size} bytes")
    // With something in the folder, a key that is gone is an error.
    folder.resolve("0".repeat(32) + "-" + "0".repeat(8) + ".token").writeText("anything")
    keys.remove(name)
    open()
}

/** The binding in two class loaders that know nothing of each other. */
private fun loaders(): List<Class<*>> {
    val (ours, theirs) = System.getProperty("java.class.path").split(File.pathSeparator).partition { path ->
        listOf("cardea", "cardea-ffi", "kotlin-tests", "resources.jar").any { path.endsWith(it) }
    }
    fun loader(paths: List<String>, parent: ClassLoader) =
        URLClassLoader(paths.map { File(it).toURI().toURL() }.toTypedArray(), parent)
    val shared = loader(theirs, ClassLoader.getPlatformClassLoader())
    val loaders = List(2) { loader(ours, shared).loadClass("dev.cardea.test.ChildKt") }
    check(loaders[0] !== loaders[1] && loaders[0].classLoader !== loaders[1].classLoader)
    return loaders
}

/** Both use the one token of a folder at the same time. */
private fun shared(folder: String) {
    val failed = AtomicInteger()
    val threads = loaders().map { loader ->
        thread {
            try {
                loader.getMethod("openAndCloseIn", String::class.java).invoke(null, folder)
            } catch (error: InvocationTargetException) {
                error.targetException.printStackTrace()
                failed.incrementAndGet()
            }
        }
    }
    threads.forEach { it.join() }
    println("${failed.get()} failed")
}

@Suppress("unused")
fun openAndCloseIn(folder: String) = runBlocking {
    val token = Wallet.open(File(folder), OPTIONS).tokens().single()
    repeat(5) {
        check(token.open(pin()).state == State.OPEN)
        check(token.close().state == State.CLOSED)
    }
}

/** Each has a host and a wallet of its own. */
private fun twice(first: String, second: String) {
    val loaders = loaders()
    val enroll = loaders.map { it.getMethod("enrollWithClock", String::class.java, String::class.java) }
    val count = loaders.map { it.getMethod("clockReadings") }
    // Both are loaded before either is used again.
    enroll[0].invoke(null, first, "loader 1")
    try {
        enroll[1].invoke(null, second, "loader 2")
    } catch (error: InvocationTargetException) {
        if (error.targetException !is IllegalStateException) throw error
        println(error.targetException.message)
        loaders[0].getMethod("openAndClose").invoke(null)
        return
    }
    repeat(3) { round ->
        for (index in listOf(0, 1)) {
            val before = count.map { it.invoke(null) as Int }
            loaders[index].getMethod("openAndClose").invoke(null)
            val after = count.map { it.invoke(null) as Int }
            check(after[index] > before[index]) { "round $round: loader $index did not ask its own clock" }
            check(after[1 - index] == before[1 - index]) { "round $round: loader $index asked the other one's clock" }
        }
    }
    println("apart")
}

private val readings = AtomicInteger()
private lateinit var wallet: Wallet

@Suppress("unused")
fun enrollWithClock(link: String, name: String) = runBlocking {
    val host = Host(clock = Clock { readings.incrementAndGet(); System.currentTimeMillis() / 1000 })
    wallet = Wallet.inMemory(OPTIONS, host)
    wallet.enroll(Invitation.fromText(link), Pins(pin())).token.setLabel(name)
}

@Suppress("unused")
fun openAndClose() = runBlocking {
    val token = wallet.tokens().single()
    token.open(pin())
    token.close()
    try {
        token.open(pin(WRONG))
        error("a wrong PIN opened it")
    } catch (_: CardeaException.PinRejected) {
        token.open(pin())
    }
}

@Suppress("unused")
fun clockReadings(): Int = readings.get()
