package dev.cardea.test

import dev.cardea.Enrollment
import dev.cardea.Pins
import dev.cardea.Wallet
import dev.cardea.WalletOptions
import dev.cardea.Invitation
import java.io.File
import java.net.URI
import java.net.URLEncoder
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse.BodyHandlers
import java.nio.file.Files
import java.nio.file.StandardCopyOption
import java.util.concurrent.atomic.AtomicInteger

/** What is good for tests: cheap protection of PINs, and being emulated. */
val OPTIONS = WalletOptions(allowTestArgon2 = true, emulated = true)

const val PIN = "274951"
const val DURESS = "836402"
const val WRONG = "519384"

/** A PIN as a fresh array; whoever gets it overwrites it. */
fun pin(digits: String = PIN): CharArray = digits.toCharArray()

/** Never the same user twice. */
fun newUser(): String = "user ${users.incrementAndGet()}"

private val users = AtomicInteger()

fun newFolder(): File = Files.createTempDirectory("cardea-test-").toFile().also { it.deleteOnExit() }

/** Copies a folder with who may read what. */
fun copy(from: File, to: File) {
    from.walk().forEach { Files.copy(it.toPath(), to.resolve(it.relativeTo(from)).toPath(), StandardCopyOption.COPY_ATTRIBUTES) }
}

/** `cardea-server dev` on free ports; the program is named by `CARDEA_SERVER`. Its clock stands still until it is moved. */
class Server(private val testArgon2: Boolean = true, private val settings: List<String> = emptyList()) : AutoCloseable {
    private val folder = newFolder()
    private var process: Process? = null
    private var time: Long? = null
    lateinit var http: String
        private set
    lateinit var channel: String
        private set
    lateinit var service: String
        private set
    lateinit var statusKey: String
        private set
    lateinit var adminKey: String
        private set

    init {
        start()
    }

    /** Starts it, on the same ports and with the same data and time as before. */
    fun start() {
        val ports = if (process == null) listOf("127.0.0.1:0", "127.0.0.1:0") else listOf(http.removePrefix("http://"), channel)
        val line = listOf(
            System.getenv("CARDEA_SERVER"), "dev", "--json", "--data-dir", folder.resolve("data").path,
            "--http", ports[0], "--channel", ports[1], "--test-clock" + (time?.let { "=$it" } ?: ""),
        )
        val builder = ProcessBuilder(line + settings.flatMap { listOf("--set", it) } + if (testArgon2) listOf("--test-argon2") else listOf())
        // None of the caller's own settings.
        builder.environment().keys.removeIf { it.startsWith("CARDEA_") }
        builder.redirectError(ProcessBuilder.Redirect.DISCARD)
        val started = builder.start()
        process = started
        // The first line comes once the server answers; an end without one is no line.
        val ready = checkNotNull(started.inputStream.bufferedReader().readLine()) { "the server did not start" }
        http = text(ready, "http")
        channel = text(ready, "channel")
        service = text(ready, "service")
        statusKey = text(ready, "statusKey")
        adminKey = text(ready, "adminKey")
        time = advance(0)
    }

    /** Lets it stand still, with all its connections, until it is stopped. */
    fun freeze() {
        val pid = checkNotNull(process).pid()
        check(ProcessBuilder("kill", "-STOP", pid.toString()).inheritIO().start().waitFor() == 0)
    }

    /** Sets a setting of the service; [json] is the value. */
    fun setting(name: String, json: String) {
        val answer = post("/token/service/update", """{"service":"$service","authKey":"$adminKey","$name":$json}""")
        check(answer.startsWith("200 ")) { "$name: $answer" }
    }

    /** Ends it as a power failure would. */
    fun stop() {
        process?.destroyForcibly()?.waitFor()
    }

    override fun close() {
        stop()
        folder.deleteRecursively()
    }

    /** An administrator's call; the answer as text. */
    fun call(name: String, user: String, vararg more: Pair<String, Any>): String {
        val members = listOf("id" to user, "service" to service, "authKey" to adminKey) + more
        val answer = post("/token/$name", members.joinToString(",", "{", "}") { (key, value) -> "${quoted(key)}:${json(value)}" })
        check(answer.startsWith("200 ")) { "$name: $answer" }
        return answer.removePrefix("200 ")
    }

    /** A call with parameters in the address. */
    fun get(name: String, user: String, vararg more: Pair<String, String>): String {
        val parameters = listOf("id" to user, "service" to service, "authKey" to adminKey) + more
        return send(HttpRequest.newBuilder(URI("$http/token/$name?${query(parameters)}"))).body()
    }

    fun enroll(user: String, vararg more: Pair<String, Any>): String = text(call("enroll", user, "qr" to false, *more), "link")

    fun code(user: String): String = text(call("enroll", user, "qr" to false), "code")

    /** What a relying party reads: the number, or -1 for any other answer. */
    fun status(user: String): Int {
        val query = query(listOf("id" to user, "service" to service, "authKey" to statusKey))
        val body = send(HttpRequest.newBuilder(URI("$http/token/status?$query"))).body()
        return Regex("""\{"status":(\d)}""").matchEntire(body)?.groupValues?.get(1)?.toInt() ?: -1
    }

    /** Asks the user to approve [text]; the confirmation's id. */
    fun ask(user: String, text: String): String = text(call("confirmation", user, "text" to text), "confirmation")

    fun withdraw(id: String) {
        val answer = post("/token/confirmation/cancel", """{"service":"$service","authKey":"$adminKey","confirmation":"$id"}""")
        check(answer.startsWith("200 ")) { answer }
    }

    /** The answer about a confirmation, with its receipt if there is one. */
    fun confirmation(id: String): String {
        val query = query(listOf("service" to service, "confirmation" to id, "authKey" to adminKey))
        return send(HttpRequest.newBuilder(URI("$http/token/confirmation?$query"))).body()
    }

    fun confirmationState(id: String): String = text(confirmation(id), "state")

    /** Moves the server's clock; its time afterwards. */
    fun advance(seconds: Long): Long {
        val answer = post("/dev/clock", """{"advance":$seconds}""")
        val now = Regex("\"now\":(\\d+)").find(answer)!!.groupValues[1].toLong()
        time = now
        return now
    }

    /** A wallet with a token of this user, in memory unless a folder is given. */
    suspend fun enrolled(user: String, folder: File? = null): Enrollment {
        val wallet = if (folder == null) Wallet.inMemory(OPTIONS) else Wallet.open(folder, OPTIONS)
        return wallet.enroll(Invitation.fromText(enroll(user)), Pins(pin()))
    }

    private fun post(path: String, body: String): String {
        val request = HttpRequest.newBuilder(URI(http + path)).header("Content-Type", "application/json")
        val answer = send(request.POST(HttpRequest.BodyPublishers.ofString(body)))
        return "${answer.statusCode()} ${answer.body()}"
    }

    private fun send(request: HttpRequest.Builder) = client.send(request.build(), BodyHandlers.ofString())

    private fun query(parameters: List<Pair<String, String>>) = parameters.joinToString("&") { (key, value) ->
        "$key=" + URLEncoder.encode(value, Charsets.UTF_8).replace("+", "%20")
    }

    companion object {
        private val client: HttpClient = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()
        private var started: Server? = null

        /** One server for all tests that do nothing to it but enroll new users. */
        @get:Synchronized
        val shared: Server
            get() = started ?: Server().also { started = it }

        @Synchronized
        fun stopShared() {
            started?.close()
            started = null
        }

        init {
            Runtime.getRuntime().addShutdownHook(Thread { stopShared() })
        }

        /** The text of the member of that name, wherever it is. */
        fun text(json: String, name: String): String {
            val found = checkNotNull(Regex("\"$name\":\"((?:[^\"\\\\]++|\\\\.)*+)\"").find(json)) { "no $name in $json" }
            return found.groupValues[1].replace("\\\"", "\"").replace("\\\\", "\\")
        }

        private fun json(value: Any): String = if (value is String) quoted(value) else value.toString()

        private fun quoted(text: String) = "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\""
    }
}
