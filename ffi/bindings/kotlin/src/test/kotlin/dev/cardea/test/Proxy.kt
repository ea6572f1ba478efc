package dev.cardea.test

import java.io.IOException
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.ServerSocket
import java.net.Socket
import java.util.Collections
import kotlin.concurrent.thread
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.selects.select

/**
 * Stands between devices and a server's token channel, and breaks what it is told to. Every piece of data counts, in both
 * directions: that is where a connection can break.
 */
class Proxy : AutoCloseable {
    private var listener = listen(0)
    private val open: MutableSet<Socket> = Collections.synchronizedSet(mutableSetOf())
    private val lock = Any()
    private var pieces = 0
    private var breakAt = Int.MAX_VALUE
    private var down = false
    @Volatile
    private var broken = CompletableDeferred<Unit>()

    /** Where the server is. */
    lateinit var server: InetSocketAddress

    val port: Int = listener.localPort

    private fun listen(port: Int): ServerSocket {
        val listener = ServerSocket()
        listener.reuseAddress = true
        listener.bind(InetSocketAddress(InetAddress.getLoopbackAddress(), port), 64)
        thread(isDaemon = true, name = "proxy") {
            while (!listener.isClosed) {
                try {
                    serve(listener.accept())
                } catch (_: IOException) {
                    // Closed, or a device that went away at once.
                }
            }
        }
        return listener
    }

    /** Breaks everything and refuses new connections. */
    fun refuse() {
        listener.close()
        cut()
    }

    /** Takes new connections again. */
    fun admit() {
        listener = listen(port)
        mend()
    }

    /** From now on, breaks everything at the piece of that number (0 is the first) and lets nobody through after it. */
    fun breakAt(piece: Int) = synchronized(lock) {
        pieces = 0
        breakAt = piece
        broken = CompletableDeferred()
    }

    /** Waits until it has broken something, or there is nothing more to break. */
    suspend fun awaitBroken(call: Job): Unit = select {
        broken.onAwait {}
        call.onJoin {}
    }

    val hasBroken: Boolean get() = broken.isCompleted

    /** Lets everybody through again; how many pieces went through before. */
    fun mend(): Int = synchronized(lock) {
        breakAt = Int.MAX_VALUE
        down = false
        pieces
    }

    /** Breaks everything now. */
    fun cut() = synchronized(lock) {
        down = true
        broken.complete(Unit)
        open.toList().forEach { it.close() }
    }

    override fun close() {
        listener.close()
        cut()
    }

    private fun serve(device: Socket) {
        if (synchronized(lock) { down }) return device.close()
        val upstream = Socket()
        upstream.connect(server)
        open += listOf(device, upstream)
        if (synchronized(lock) { down }) listOf(device, upstream).forEach { it.close() }
        thread(isDaemon = true, name = "proxy up") { copy(device, upstream) }
        thread(isDaemon = true, name = "proxy down") { copy(upstream, device) }
    }

    private fun copy(from: Socket, to: Socket) {
        val buffer = ByteArray(4096)
        try {
            while (true) {
                val size = from.getInputStream().read(buffer)
                if (size < 0) break
                val through = synchronized(lock) { !down && pieces++ < breakAt }
                if (!through) {
                    cut()
                    break
                }
                to.getOutputStream().write(buffer, 0, size)
            }
        } catch (_: IOException) {
            // One side is gone: so is the other.
        } finally {
            listOf(from, to).forEach { it.close() }
            open -= setOf(from, to)
        }
    }
}
