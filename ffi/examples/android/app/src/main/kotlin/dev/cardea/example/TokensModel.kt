package dev.cardea.example

import dev.cardea.Approval
import dev.cardea.CardeaException
import dev.cardea.Confirmation
import dev.cardea.DenyReason
import dev.cardea.Event
import dev.cardea.Invitation
import dev.cardea.Live
import dev.cardea.Pins
import dev.cardea.Preview
import dev.cardea.State
import dev.cardea.Status
import dev.cardea.Token
import dev.cardea.Wallet
import java.util.concurrent.ConcurrentHashMap
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeMark
import kotlin.time.TimeSource
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** Everything that the app does, without a line of Android. The screen shows [screen] and calls the functions. */
class TokensModel(
    private val scope: CoroutineScope,
    private val time: TimeSource = TimeSource.Monotonic,
    private val openWallet: suspend () -> Wallet,
) {
    /** What is to be seen. */
    data class Screen(
        val loading: Boolean = true,
        val tokens: List<Item> = emptyList(),
        /** Where an invitation leads that waits to be accepted. */
        val invited: Preview? = null,
        /** Six digits to compare with those on the enrolling page. */
        val compare: String? = null,
        /** Something is on its way. */
        val busy: Boolean = false,
        /** For the person. */
        val message: String? = null,
    )

    /** A token on the screen. */
    data class Item(
        val id: String,
        val title: String,
        /** Unknown until its server has answered. */
        val state: State? = null,
        /** How long it is still open, in whole seconds. */
        val remaining: Duration? = null,
        /** Its server cannot be reached: what is shown may be old. */
        val offline: Boolean = false,
        val confirmations: List<Confirmation> = emptyList(),
    )

    private val shown = MutableStateFlow(Screen())
    private val turn = Mutex()
    private val ends = ConcurrentHashMap<String, TimeMark>()
    private var invitation: Invitation? = null
    private var opened: Wallet? = null
    private var live: Live? = null

    val screen: StateFlow<Screen> = shown

    /** Opens the wallet, asks how its tokens stand, and listens to what happens from then on. */
    fun start(): Job = act {
        val tokens = wallet().tokens()
        shown.update { it.copy(loading = false, tokens = tokens.map { token -> item(token) }) }
        tokens.forEach { refresh(it) }
    }

    /** The holder looks at the app: what happens elsewhere is shown as it happens. */
    fun resume(): Job = act(quietly = true) {
        if (live == null) live = wallet().goLive()
        wallet().tokens().forEach { refresh(it) }
    }

    /** The holder looks away: no connection is left. */
    fun pause(): Job = act(quietly = true) {
        live?.stop()
        live = null
    }

    /** A link was tapped, scanned or pasted. Nothing is used up before the holder accepts. */
    fun invite(text: String): Job = act {
        forgetInvitation()
        val invitation = Invitation.fromText(text)
        this.invitation = invitation
        shown.update { it.copy(invited = invitation.preview) }
    }

    /** The holder does not want the invitation. */
    fun decline(): Job = act { forgetInvitation() }

    /** The holder accepts and has chosen a PIN, typed twice. */
    fun accept(pin: CharArray, repeated: CharArray): Job {
        val same = pin.contentEquals(repeated)
        repeated.fill('\u0000')
        val pins = Pins(pin)
        return act(pins) {
            val invitation = invitation ?: return@act
            if (!same) return@act say("These were two different PINs.")
            val enrolled = wallet().enroll(invitation, pins)
            forgetInvitation()
            shown.update { it.copy(tokens = it.tokens + item(enrolled.token), compare = enrolled.shortString) }
            refresh(enrolled.token)
        }
    }

    /** The digits were compared. */
    fun compared() = shown.update { it.copy(compare = null) }

    /** Opens a token, or extends its opening. */
    fun open(id: String, pin: CharArray): Job {
        val approval = Approval.Pin(pin)
        return act(approval) { show(id, wallet().token(id).open(approval)) }
    }

    fun close(id: String): Job = act { show(id, wallet().token(id).close()) }

    /** Asks the server how a token stands and what waits. */
    fun refresh(id: String): Job = act { refresh(wallet().token(id)) }

    fun approve(id: String, confirmation: Confirmation, pin: CharArray): Job {
        val approval = Approval.Pin(pin)
        return act(approval) {
            show(id, wallet().token(id).approve(confirmation, approval))
            answered(id, confirmation)
        }
    }

    fun deny(id: String, confirmation: Confirmation, reason: DenyReason?): Job = act {
        show(id, wallet().token(id).deny(confirmation, reason))
        answered(id, confirmation)
    }

    /** Takes a token off this device that its server does not know any more. */
    fun forget(id: String): Job = act { wallet().token(id).forget() }

    /** The message was read. */
    fun read() = shown.update { it.copy(message = null) }

    /** To be called every second while the screen is seen: counts down, and closes what has run out. */
    fun tick() = shown.update { screen ->
        screen.copy(tokens = screen.tokens.map { item ->
            val left = ends[item.id]?.let { -it.elapsedNow() }
            when {
                item.state != State.OPEN || left == null -> item
                left.isPositive() -> item.copy(remaining = left.rounded())
                else -> item.copy(state = State.CLOSED, remaining = null)
            }
        })
    }

    /** Does one thing after the other. What is done [quietly] nobody has asked for, and what fails in it nobody is told. */
    private fun act(secret: AutoCloseable? = null, quietly: Boolean = false, action: suspend () -> Unit): Job = scope.launch {
        turn.withLock {
            if (!quietly) shown.update { it.copy(busy = true, message = null) }
            try {
                action()
            } catch (error: CardeaException) {
                if (!quietly) say(error.message)
            } finally {
                if (!quietly) shown.update { it.copy(busy = false) }
            }
        }
    }.also { job -> secret?.let { job.invokeOnCompletion { _ -> secret.close() } } }

    /** The wallet; opened when it is first needed, and tried again if that failed. */
    private suspend fun wallet(): Wallet = opened ?: openWallet().also { wallet ->
        opened = wallet
        // Undispatched, so that nothing is missed.
        scope.launch(start = CoroutineStart.UNDISPATCHED) { wallet.events.collect(::heard) }
    }

    private fun say(text: String) = shown.update { it.copy(message = text) }

    private fun heard(event: Event) {
        when (event) {
            is Event.Unenrolled -> shown.update { it.copy(tokens = it.tokens.filter { item -> item.id != event.token }) }
            is Event.Closed -> change(event.token) { it.copy(state = State.CLOSED, remaining = null) }
            is Event.Blocked -> change(event.token) { it.copy(state = State.BLOCKED, remaining = null) }
            is Event.Revoked -> change(event.token) { it.copy(state = State.NOT_ENROLLED, confirmations = emptyList()) }
            is Event.Offline -> change(event.token) { it.copy(offline = true) }
            is Event.Online -> change(event.token) { it.copy(offline = false) }
            is Event.ConfirmationAsked, is Event.ConfirmationAnswered -> look(event.token) { true }
            // Unless it was opened here, which shows it.
            is Event.Opened -> look(event.token) { it.state != State.OPEN }
            is Event.Missed -> shown.value.tokens.forEach { item -> look(item.id) { true } }
            else -> {}
        }
    }

    /** Asks how a token stands, if that is still wanted when it is its turn. */
    private fun look(id: String, wanted: (Item) -> Boolean): Job = act(quietly = true) {
        if (shown.value.tokens.any { it.id == id && wanted(it) }) refresh(wallet().token(id))
    }

    private suspend fun item(token: Token): Item {
        val info = token.info()
        return Item(token.id, info.label.ifEmpty { info.service.ifEmpty { info.host } })
    }

    private suspend fun refresh(token: Token) {
        val status = token.status()
        show(token.id, status)
        if (status.state == State.NOT_ENROLLED || status.state == State.BLOCKED) return
        val waiting = if (status.confirmations > 0) token.confirmations() else emptyList()
        change(token.id) { it.copy(confirmations = waiting) }
    }

    private fun show(id: String, status: Status) {
        val remaining = status.remaining?.takeIf { status.state == State.OPEN }
        if (remaining == null) ends.remove(id) else ends[id] = time.markNow() + remaining
        change(id) { it.copy(state = status.state, remaining = remaining, offline = false) }
    }

    private fun answered(id: String, confirmation: Confirmation) =
        change(id) { it.copy(confirmations = it.confirmations - confirmation) }

    private fun change(id: String, change: (Item) -> Item) = shown.update { screen ->
        screen.copy(tokens = screen.tokens.map { if (it.id == id) change(it) else it })
    }

    private fun forgetInvitation() {
        invitation?.close()
        invitation = null
        shown.update { it.copy(invited = null) }
    }

    /** Up: what is open for half a second more is shown as open for one. */
    private fun Duration.rounded(): Duration = ((inWholeMilliseconds + 999) / 1000).seconds
}
