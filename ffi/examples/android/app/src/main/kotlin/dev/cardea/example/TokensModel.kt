package dev.cardea.example

import dev.cardea.Approval
import dev.cardea.CardeaException
import dev.cardea.Confirmation
import dev.cardea.DenyReason
import dev.cardea.Event
import dev.cardea.Invitation
import dev.cardea.Pins
import dev.cardea.Policy
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
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.getAndUpdate
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
        /** It is not known yet which tokens there are. */
        val loading: Boolean = true,
        /** Why that cannot be found out, if it was tried. */
        val failure: String? = null,
        val tokens: List<Item> = emptyList(),
        /** It waits to be accepted. */
        val invited: Invited? = null,
        /** They wait to be compared. */
        val compare: Compare? = null,
        /** For the person. */
        val message: String? = null,
        internal val running: Int = 0,
    ) {
        /** The invitation is being worked on. */
        val busy: Boolean get() = running > 0
    }

    /** An invitation, and what its service asks of PINs once the holder wants to go on. */
    data class Invited(val invitation: Invitation, val policy: Policy? = null)

    /** Six digits to compare with those on the enrolling page; the token cannot be used before that if it is [required]. */
    data class Compare(val token: String, val digits: String, val required: Boolean)

    /** A token on the screen. */
    data class Item(
        val id: String,
        val title: String,
        /** Not known before its server has answered, and after an answer was lost. */
        val state: State? = null,
        /** How long it is still open, in whole seconds. */
        val remaining: Duration? = null,
        /** Wrong PINs left before it is blocked. */
        val triesLeft: Int? = null,
        /** Its server cannot be reached: what is shown is how it was. */
        val offline: Boolean = false,
        val confirmations: List<Confirmation> = emptyList(),
        internal val running: Int = 0,
        internal val asked: TimeMark? = null,
        internal val ends: TimeMark? = null,
    ) {
        /** Something that the holder wanted is on its way. */
        val busy: Boolean get() = running > 0
    }

    private val shown = MutableStateFlow(Screen())
    private val turns = ConcurrentHashMap<String, Mutex>()
    private val opening = Mutex()
    private val again = Channel<Unit>(Channel.CONFLATED)
    private var opened: Wallet? = null

    val screen: StateFlow<Screen> = shown

    /**
     * For as long as the holder looks: asks how the tokens stand, and shows what happens, here and elsewhere, as it happens.
     * Once this is cancelled no connection is left but those of what the holder wanted.
     */
    suspend fun watch(): Unit = coroutineScope {
        val wallet = patiently()
        // Undispatched, so that nothing is missed.
        launch(start = CoroutineStart.UNDISPATCHED) { wallet.events.collect { heard(it) } }
        launch {
            while (true) {
                delay(1.seconds)
                // Another device may have extended what seems to be over.
                tick().forEach { launch { look(it) } }
            }
        }
        wallet.goLive().use {
            lookAtAll()
            awaitCancellation()
        }
    }

    /** Tries again to find out which tokens there are. */
    fun again() {
        again.trySend(Unit)
    }

    /** A link was tapped, scanned or pasted. Nothing is used up, and nobody asked, before the holder accepts. */
    fun invite(text: String): Job = act {
        val invitation = Invitation.fromText(text)
        forgetInvitation()
        shown.update { it.copy(invited = Invited(invitation)) }
    }

    /** The holder does not want the invitation. */
    fun decline(): Job = act { forgetInvitation() }

    /** The holder trusts the server that was shown: asks it what it wants of PINs. */
    fun consider(invited: Invited): Job = act {
        val policy = wallet().policy(invited.invitation)
        shown.update { if (it.invited == invited) it.copy(invited = invited.copy(policy = policy)) else it }
    }

    /** The holder accepts the invitation that was shown and has chosen a PIN, typed twice. */
    fun accept(invited: Invited, pin: CharArray, repeated: CharArray): Job {
        val same = pin.contentEquals(repeated)
        repeated.fill('\u0000')
        val pins = Pins(pin)
        return act(secret = pins) {
            // Another link may have been tapped meanwhile, by anybody.
            if (shown.value.invited?.invitation !== invited.invitation) return@act say("This is not the link that you accepted.")
            if (!same) return@act say("These were two different PINs.")
            val wallet = wallet()
            val enrolled = try {
                wallet.enroll(invited.invitation, pins)
            } catch (error: CardeaException) {
                // Of no use any more; or, without an answer, in the wallet until the next operation finds out.
                if (error is CardeaException.InvitationRejected || error is CardeaException.NotConfirmed) forgetInvitation()
                load(wallet)
                throw error
            }
            forgetInvitation()
            load(wallet)
            val compare = enrolled.shortString?.let { Compare(enrolled.token.id, it, enrolled.shortStringRequired) }
            shown.update { it.copy(compare = compare) }
            look(enrolled.token.id)
        }
    }

    /** The digits were compared and are the same. */
    fun same() = shown.update { it.copy(compare = null) }

    /** The digits differ: somebody stands in between. The token is given up. */
    fun differ(compare: Compare, pin: CharArray): Job {
        val approval = Approval.Pin(pin)
        return act(compare.token, approval) {
            wallet().token(compare.token).unenroll(approval)
            shown.update { it.copy(compare = null) }
            load(wallet())
            say("The token was given up. Tell whoever invited you that somebody stands in between.")
        }
    }

    /** Opens a token, or extends its opening. */
    fun open(id: String, pin: CharArray): Job {
        val approval = Approval.Pin(pin)
        return act(id, approval) { show(id, wallet().token(id).open(approval)) }
    }

    fun close(id: String): Job = act(id) { show(id, wallet().token(id).close()) }

    /** Asks the server how a token stands and what waits. */
    fun refresh(id: String): Job = act(id) { refresh(wallet().token(id)) }

    fun approve(id: String, confirmation: Confirmation, pin: CharArray): Job {
        val approval = Approval.Pin(pin)
        return act(id, approval) { answer(id, confirmation) { it.approve(confirmation, approval) } }
    }

    fun deny(id: String, confirmation: Confirmation, reason: DenyReason?): Job =
        act(id) { answer(id, confirmation) { it.deny(confirmation, reason) } }

    /** Takes a token off this device that its server does not know any more. */
    fun forget(id: String): Job = act(id) {
        wallet().token(id).forget()
        load(wallet())
    }

    /** The message was read. */
    fun read() = shown.update { it.copy(message = null) }

    /** Counts down, and closes what has run out, which is what it returns. */
    fun tick(): List<String> {
        fun Item.isOver() = state == State.OPEN && ends?.hasPassedNow() == true
        val before = shown.getAndUpdate { screen ->
            screen.copy(tokens = screen.tokens.map { item ->
                when {
                    item.isOver() -> item.with(State.CLOSED)
                    item.state == State.OPEN && item.ends != null -> item.copy(remaining = item.ends.left())
                    else -> item
                }
            })
        }
        return before.tokens.filter { it.isOver() }.map { it.id }
    }

    /** Does what the holder wants, one thing after the other for each token ([id]) and for invitations, and tells what fails. */
    private fun act(id: String? = null, secret: AutoCloseable? = null, action: suspend () -> Unit): Job = scope.launch {
        busy(id, 1)
        try {
            turn(id) {
                read()
                noting(id, action)
            }
        } catch (error: CardeaException) {
            say(words(error))
        } finally {
            busy(id, -1)
        }
    }.also { job -> secret?.let { job.invokeOnCompletion { _ -> secret.close() } } }

    private suspend fun turn(id: String?, action: suspend () -> Unit) =
        turns.getOrPut(id ?: "") { Mutex() }.withLock { action() }

    private fun busy(id: String?, more: Int) =
        if (id == null) shown.update { it.copy(running = it.running + more) } else change(id) { it.copy(running = it.running + more) }

    private fun say(text: String) = shown.update { it.copy(message = text) }

    /** The wallet, with its tokens on the screen; opened when it is first needed, and tried again if that failed. */
    private suspend fun wallet(): Wallet = opening.withLock {
        try {
            val wallet = opened ?: openWallet().also { opened = it }
            if (shown.value.loading) load(wallet)
            wallet
        } catch (error: CardeaException) {
            shown.update { it.copy(failure = words(error)) }
            throw error
        }
    }

    private suspend fun patiently(): Wallet {
        while (true) {
            try {
                return wallet()
            } catch (_: CardeaException) {
                again.receive()
            }
        }
    }

    /** Lists the tokens. What is known of them stays. */
    private suspend fun load(wallet: Wallet) {
        val tokens = wallet.tokens().map { it.info() }
        shown.update { screen ->
            screen.copy(loading = false, failure = null, tokens = tokens.map { info ->
                screen.tokens.find { it.id == info.id } ?: Item(info.id, info.label.ifEmpty { info.service.ifEmpty { info.host } })
            })
        }
    }

    private fun CoroutineScope.heard(event: Event) {
        when (event) {
            is Event.Unenrolled -> shown.update { it.copy(tokens = it.tokens.filter { item -> item.id != event.token }) }
            is Event.Closed -> change(event.token) { it.with(State.CLOSED) }
            is Event.Blocked -> change(event.token) { it.with(State.BLOCKED) }
            is Event.Revoked -> change(event.token) { it.with(State.NOT_ENROLLED) }
            is Event.Offline -> change(event.token) { it.copy(offline = true) }
            is Event.Online, is Event.ConfirmationAsked -> launch { look(event.token) }
            // An answer of this app is shown by then.
            is Event.ConfirmationAnswered -> launch { look(event.token) { it.confirmations.isNotEmpty() } }
            // Asking is answered by this event, too.
            is Event.Opened -> launch { look(event.token) { it.state != State.OPEN || it.asked.isOld() } }
            is Event.Enrolled, is Event.Missed -> launch {
                turn(null) { quietly { load(wallet()) } }
                lookAtAll()
            }
            else -> {}
        }
    }

    private fun TimeMark?.isOld() = this == null || elapsedNow() > 2.seconds

    private fun CoroutineScope.lookAtAll() = shown.value.tokens.forEach { launch { look(it.id) } }

    /** Asks how a token stands, if that is still wanted when it is its turn. Nobody has asked for it, and what fails is only noted. */
    private suspend fun look(id: String, wanted: (Item) -> Boolean = { true }) = turn(id) {
        if (shown.value.tokens.any { it.id == id && wanted(it) }) quietly { noting(id) { refresh(wallet().token(id)) } }
    }

    private suspend fun quietly(action: suspend () -> Unit) = try {
        action()
    } catch (_: CardeaException) {
        // Nobody has asked.
    }

    private suspend fun refresh(token: Token) {
        val status = token.status()
        show(token.id, status)
        val waiting = if (status.confirmations > 0) token.confirmations() else emptyList()
        change(token.id) { it.copy(confirmations = waiting) }
    }

    private suspend fun answer(id: String, confirmation: Confirmation, call: suspend (Token) -> Status) {
        fun gone() = change(id) { it.copy(confirmations = it.confirmations - confirmation) }
        try {
            show(id, call(wallet().token(id)))
            gone()
        } catch (error: CardeaException.ConfirmationOver) {
            gone()
            throw error
        }
    }

    private fun show(id: String, status: Status) = change(id) { item ->
        val ends = status.remaining?.let { time.markNow() + it }
        item.with(status.state, ends).copy(triesLeft = status.triesLeft, offline = false, asked = time.markNow())
    }

    /** Notes what a failure says about the token. */
    private suspend fun noting(id: String?, action: suspend () -> Unit) = try {
        action()
    } catch (error: CardeaException) {
        if (id != null) {
            change(id) { item ->
                when (error) {
                    is CardeaException.PinRejected ->
                        (if (error.triesLeft == 0) item.with(State.BLOCKED) else item).copy(triesLeft = error.triesLeft)
                    is CardeaException.Wait -> item.copy(triesLeft = error.triesLeft)
                    is CardeaException.Blocked -> item.with(State.BLOCKED)
                    is CardeaException.NotEnrolled -> item.with(State.NOT_ENROLLED)
                    is CardeaException.NotConfirmed -> item.with(null)
                    is CardeaException.Offline -> item.copy(offline = true)
                    else -> item
                }
            }
        }
        throw error
    }

    private fun Item.with(state: State?, ends: TimeMark? = null): Item {
        val waiting = if (state == State.BLOCKED || state == State.NOT_ENROLLED) emptyList() else confirmations
        val end = ends.takeIf { state == State.OPEN }
        return copy(state = state, remaining = end?.left(), ends = end, confirmations = waiting)
    }

    private fun change(id: String, change: (Item) -> Item) = shown.update { screen ->
        screen.copy(tokens = screen.tokens.map { if (it.id == id) change(it) else it })
    }

    private fun forgetInvitation() {
        shown.getAndUpdate { it.copy(invited = null) }.invited?.invitation?.close()
    }

    /** Up: what is open for half a second more is shown as open for one. */
    private fun TimeMark.left(): Duration = ((-elapsedNow()).inWholeMilliseconds.coerceAtLeast(0) + 999).div(1000).seconds
}
