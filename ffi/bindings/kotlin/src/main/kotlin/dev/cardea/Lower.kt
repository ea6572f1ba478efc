package dev.cardea

import dev.cardea.ffi.Clock as LowClock
import dev.cardea.ffi.Entropy as LowEntropy
import dev.cardea.ffi.Host as LowHost
import dev.cardea.ffi.HostException as LowHostException
import dev.cardea.ffi.LogLevel as LowLevel
import dev.cardea.ffi.LogSink as LowLogSink

// What goes into the library.

internal fun Host.lower(): LowHost = LowHost(
    clock = clock?.let(::HostClock),
    entropy = entropy?.let(::HostEntropy),
    log = log?.let(::HostLog),
)

/**
 * Calls the host. Whatever it throws, an [Error] too, becomes the one exception that the library expects: nothing else may
 * travel through native frames. Of another exception only the kind is told, for its text may contain what it worked with.
 */
private inline fun <T> asked(call: () -> T): T = try {
    call()
} catch (thrown: Throwable) {
    throw LowHostException.Failed(thrown.javaClass.name)
}

private class HostClock(private val clock: Clock) : LowClock {
    override fun now(): ULong = asked {
        val now = clock.now()
        require(now >= 0) { "before 1970" }
        now.toULong()
    }
}

private class HostEntropy(private val entropy: Entropy) : LowEntropy {
    override fun bytes(count: UInt): ByteArray = asked { entropy.bytes(count.toInt()) }
}

private class HostLog(private val log: LogSink) : LowLogSink {
    override fun log(level: LowLevel, text: String): Unit = asked { log.log(LogLevel.valueOf(level.name), text) }
}
