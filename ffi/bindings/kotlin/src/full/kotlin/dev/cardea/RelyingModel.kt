package dev.cardea

import dev.cardea.ffi.Answer as LowAnswer
import dev.cardea.ffi.AskedConfirmation as LowAsked
import dev.cardea.ffi.PendingConfirmation as LowPending
import dev.cardea.ffi.RelyingPartyOptions as LowOptions
import dev.cardea.ffi.ServiceEvent as LowEvent
import dev.cardea.ffi.TokenStatus as LowStatus
import kotlin.time.Duration

/** How a server is asked. */
public data class RelyingPartyOptions(
    /** The most that a call may take, in whole milliseconds; ten seconds if none is given. */
    val timeout: Duration? = null,
    /** The certificate of an authority of one's own, in PEM, in place of those that browsers trust. */
    val rootCertificate: String? = null,
)

/** What a token is, as a relying party is told. Only [OPEN] lets anybody in. */
public enum class TokenStatus {
    /** 0: nobody can open it yet. */
    NOT_ENROLLED,

    /** 1: let the person in. */
    OPEN,

    /** 2. */
    CLOSED,

    /** 3: the holder was forced to open it. Deny, raise the alarm, and do not show it. */
    DURESS,

    /** 4. */
    BLOCKED,
}

/** What a holder answered. Only [APPROVED] is a yes. */
public enum class Answer {
    /** Nothing yet. */
    PENDING,

    /** Yes. */
    APPROVED,

    /** No. */
    DENIED,

    /** No, and the holder says that somebody else is behind this. */
    DENIED_NOT_ME,

    /** Forced to say yes: a no, and an alarm. Only authkeys with the permission `history` are told. */
    DURESS,

    /** Nothing, and it is too late now. */
    EXPIRED,

    /** It was taken back. */
    CANCELLED,

    /** Something that this version has no name for. It is no yes. */
    OTHER,
}

/** Somebody was asked. */
public data class PendingConfirmation(
    /** What to ask for the answer with. */
    val id: String,
    /** When it ends unanswered, in Unix seconds. */
    val expiresAt: Long,
)

/** A question and how it stands. */
public data class AskedConfirmation(
    /** Its id. */
    val id: String,
    /** Who was asked. */
    val user: String,
    /** What was shown and signed. */
    val text: String,
    /** The answer. */
    val answer: Answer,
    /** When it was answered, in Unix seconds by the server's clock. */
    val answeredAt: Long?,
)

/** Something that has happened in a service. */
public data class ServiceEvent(
    /** Its number: what [RelyingParty.watch] goes on behind. */
    val id: Long,
    /** What it is, such as `token.opened`. More may come with newer servers. */
    val kind: String,
    /** When, in Unix seconds by the server's clock. */
    val at: Long,
    /** The user, where there is one. */
    val user: String?,
    /** All of it, as the server says it: JSON. */
    val json: String,
)

internal fun RelyingPartyOptions.lower(): LowOptions = LowOptions(
    timeoutMilliseconds = timeout?.inWholeMilliseconds?.coerceAtLeast(0)?.toULong(),
    rootCertificate = rootCertificate?.whole(),
)

// Named alike on both sides, so that a value that one side lacks does not pass for another one.

internal fun LowStatus.lift(): TokenStatus = TokenStatus.valueOf(name)

internal fun LowAnswer.lift(): Answer = Answer.valueOf(name)

internal fun LowPending.lift(): PendingConfirmation = PendingConfirmation(id, expiresAt.toLong())

internal fun LowAsked.lift(): AskedConfirmation = AskedConfirmation(id, user, text, answer.lift(), answeredAt?.toLong())

internal fun LowEvent.lift(): ServiceEvent = ServiceEvent(id.toLong(), kind, at.toLong(), user, json)
