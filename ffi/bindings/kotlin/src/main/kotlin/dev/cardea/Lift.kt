package dev.cardea

import dev.cardea.ffi.CardeaException as LowException
import dev.cardea.ffi.DeviceInfo as LowDevice
import dev.cardea.ffi.Event as LowEvent
import dev.cardea.ffi.EventKind as LowKind
import dev.cardea.ffi.HistoryItem as LowHistory
import dev.cardea.ffi.Policy as LowPolicy
import dev.cardea.ffi.Preview as LowPreview
import dev.cardea.ffi.ServiceInfo as LowService
import dev.cardea.ffi.State as LowState
import dev.cardea.ffi.Status as LowStatus
import dev.cardea.ffi.TokenInfo as LowInfo
import kotlin.time.Duration.Companion.seconds

// What comes out of the library, in Kotlin's own terms.

internal fun LowException.raised(): CardeaException = when (this) {
    is LowException.PinRejected -> CardeaException.PinRejected(code.toInt(), reason, triesLeft.toInt())
    is LowException.Wait -> CardeaException.Wait(code.toInt(), reason, triesLeft.toInt(), waitSeconds.toLong().seconds)
    is LowException.Blocked -> CardeaException.Blocked(code.toInt(), reason, waitSeconds?.toLong()?.seconds)
    is LowException.NotEnrolled -> CardeaException.NotEnrolled(code.toInt(), reason)
    is LowException.InvitationRejected -> CardeaException.InvitationRejected(code.toInt(), reason)
    is LowException.ConfirmationOver -> CardeaException.ConfirmationOver(code.toInt(), reason)
    is LowException.NotConfirmed -> CardeaException.NotConfirmed(code.toInt(), reason)
    is LowException.Offline -> CardeaException.Offline(code.toInt(), reason)
    is LowException.Busy -> CardeaException.Busy(code.toInt(), reason)
    is LowException.Cancelled -> CardeaException.Cancelled(code.toInt(), reason)
    is LowException.Misuse -> CardeaException.Misuse(code.toInt(), reason)
    is LowException.Refused -> CardeaException.Refused(code.toInt(), reason)
    is LowException.Storage -> CardeaException.Storage(code.toInt(), reason)
    is LowException.Host -> CardeaException.HostFailed(code.toInt(), reason)
    is LowException.ShuttingDown -> CardeaException.ShuttingDown(code.toInt(), reason)
    is LowException.RelyingParty -> CardeaException.RelyingParty(code.toInt(), reason, waitSeconds?.toLong()?.seconds)
}

internal fun LowStatus.lift(): Status = Status(
    state = when (state) {
        LowState.NOT_ENROLLED -> State.NOT_ENROLLED
        LowState.OPEN -> State.OPEN
        LowState.CLOSED -> State.CLOSED
        LowState.BLOCKED -> State.BLOCKED
    },
    remaining = remainingSeconds?.toLong()?.seconds,
    triesLeft = triesLeft.toInt(),
    confirmations = confirmations.toInt(),
    serverTime = serverTime.toLong(),
    clockDifference = clockDifference?.toLong()?.seconds,
)

internal fun LowInfo.lift(): TokenInfo = TokenInfo(
    id = id,
    host = host,
    port = port.toInt(),
    service = service,
    label = label,
    addedAt = addedAt.toLong(),
    confirmed = confirmed,
    pending = pending,
    policy = Policy(pinMin.toInt(), pinMax.toInt(), duressAllowed, biometricAllowed, shortString = null),
)

internal fun LowEvent.lift(): Event {
    val token = token ?: return if (kind == LowKind.MISSED) Event.Missed(count?.toLong() ?: 0) else Event.Other(null)
    return when (kind) {
        LowKind.OPENED -> Event.Opened(token)
        LowKind.CLOSING_SOON -> Event.ClosingSoon(token, (remainingSeconds?.toInt() ?: 0).seconds)
        LowKind.CLOSED -> Event.Closed(token)
        LowKind.BLOCKED -> Event.Blocked(token)
        LowKind.CONFIRMATION_ASKED -> Event.ConfirmationAsked(token)
        LowKind.CONFIRMATION_ANSWERED -> Event.ConfirmationAnswered(token)
        LowKind.CLOSED_TOKEN_CHECKED -> Event.ClosedTokenChecked(token, count?.toInt() ?: 0)
        LowKind.ENROLLED -> Event.Enrolled(token)
        LowKind.UNENROLLED -> Event.Unenrolled(token)
        LowKind.REVOKED -> Event.Revoked(token)
        LowKind.NOT_CONFIRMED -> Event.NotConfirmed(token)
        LowKind.OFFLINE -> Event.Offline(token)
        LowKind.ONLINE -> Event.Online(token)
        LowKind.MISSED, LowKind.OTHER -> Event.Other(token)
    }
}

// Named alike on both sides, so that a value that one side lacks does not pass for another one.

internal fun LowService.lift(): ServiceInfo = ServiceInfo(service, user, foreground.toInt(), background.toInt())

internal fun LowDevice.lift(): DeviceInfo =
    DeviceInfo(id, Platform.valueOf(platform.name), emulated, isThis, enrolledAt.toLong(), lastSeen.toLong())

internal fun LowHistory.lift(): HistoryItem = HistoryItem(time.toLong(), Deed.valueOf(deed.name), device)

internal fun LowPreview.lift(): Preview = Preview(host, port.toInt(), InvitationKind.valueOf(kind.name))

internal fun LowPolicy.lift(): Policy =
    Policy(pinMin.toInt(), pinMax.toInt(), duressAllowed, biometricAllowed, ShortString.valueOf(shortString.name))
