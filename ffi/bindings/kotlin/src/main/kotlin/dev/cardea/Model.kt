package dev.cardea

import dev.cardea.ffi.Confirmation as LowConfirmation
import kotlin.time.Duration

/** A token's status, as far as a device may know it. */
public enum class State {
    /** Not enrolled (any more). */
    NOT_ENROLLED,

    /** Open. */
    OPEN,

    /** Closed. */
    CLOSED,

    /** Blocked. */
    BLOCKED,
}

/** How a token stands, as its server says. */
public data class Status(
    /** The status. */
    val state: State,
    /** How long it lasts from when the server answered, if it ends by itself. */
    val remaining: Duration?,
    /** Wrong PINs left before the token is blocked. */
    val triesLeft: Int,
    /** How many texts wait to be approved or denied. */
    val confirmations: Int,
    /** The server's clock when it answered, in Unix seconds. */
    val serverTime: Long,
    /** How far this device's clock is from the server's, if that is more than five minutes: tell the holder to set it. */
    val clockDifference: Duration?,
)

/** Whether six digits are compared at enrollment. */
public enum class ShortString {
    /** No. */
    OFF,

    /** They are shown. */
    SHOWN,

    /** The token does not count before they were compared. */
    REQUIRED,
}

/** What a service asks of PINs. */
public data class Policy(
    /** Fewest digits. */
    val pinMin: Int,
    /** Most digits. */
    val pinMax: Int,
    /** Whether duress PINs are allowed. */
    val duressAllowed: Boolean,
    /** Whether the biometric slot is allowed. */
    val biometricAllowed: Boolean,
    /** Whether six digits are compared at enrollment; none of a token that is enrolled, where it does not matter any more. */
    val shortString: ShortString?,
)

/** What a wallet holds of a token. Nothing in it is secret. */
public data class TokenInfo(
    /** Its name in this wallet. */
    val id: String,
    /** Server's host. */
    val host: String,
    /** Server's port. */
    val port: Int,
    /** Name of the service, or empty. */
    val service: String,
    /** What the holder calls it, or empty. */
    val label: String,
    /** When it was enrolled, in Unix seconds. */
    val addedAt: Long,
    /** Whether the server has confirmed the enrollment. */
    val confirmed: Boolean,
    /** Whether something was sent that was never answered. */
    val pending: Boolean,
    /** What the service asks of PINs. */
    val policy: Policy,
)

/** A token that was just enrolled. */
public class Enrollment internal constructor(
    /** The token. */
    public val token: Token,
    /** Six digits to compare with those on the enrolling page, if the service wants that. */
    public val shortString: String?,
    /** Whether the service insists on the comparison: the token cannot be used before. */
    public val shortStringRequired: Boolean,
)

/** How an invitation came. */
public enum class InvitationKind {
    /** By a link or a QR code. The server's key came with it. */
    LINK,

    /** By a typed code. The server's key was looked up. */
    CODE,

    /** In a way that this version has no name for. */
    OTHER,
}

/** Where an invitation leads. */
public data class Preview(
    /** Server's host. */
    val host: String,
    /** Server's port. */
    val port: Int,
    /** How it came. */
    val kind: InvitationKind,
)

/** A text that waits for an answer. What is in [text] is what is signed: show it as it is, all of it. */
public class Confirmation internal constructor(internal val low: LowConfirmation) {
    /** Its id, as relying parties know it. */
    public val id: String = low.id()

    /** The text. It is one line and hides nothing. */
    public val text: String = low.text()

    /** The first second, by the server's clock and in Unix seconds, in which it cannot be answered any more. */
    public val expiresAt: Long = low.expiresAt().toLong()

    override fun equals(other: Any?): Boolean = other is Confirmation && other.id == id && other.text == text

    override fun hashCode(): Int = id.hashCode()

    override fun toString(): String = text
}

/** Why a holder denies. The relying party may be told. */
public enum class DenyReason {
    /** The holder has changed his mind. */
    CANCELLED,

    /** The holder did not start what the text is about. */
    NOT_ME,
}

/** What became of a token when all were closed. */
public data class Closed(
    /** Its name in the wallet. */
    val token: String,
    /** How it stands; none if that failed. */
    val status: Status?,
    /** Stable number of what went wrong, if something did. */
    val code: Int?,
    /** Text for a person about what went wrong. */
    val message: String?,
)

/** What the holder is to see of a service. */
public data class ServiceInfo(
    /** Name of the service. */
    val service: String,
    /** What the service calls the holder. */
    val user: String,
    /** Color of text, as `0xRRGGBB`. */
    val foreground: Int,
    /** Color behind it, as `0xRRGGBB`. */
    val background: Int,
)

/** What a device runs on. */
public enum class Platform {
    /** Not known. */
    UNKNOWN,

    /** Android. */
    ANDROID,

    /** iOS. */
    IOS,

    /** Linux. */
    LINUX,

    /** macOS. */
    MACOS,

    /** Windows. */
    WINDOWS,

    /** No operating system. */
    BARE_METAL,
}

/** A device of a token. */
public data class DeviceInfo(
    /** Its id: eight hexadecimal digits. */
    val id: String,
    /** What it runs on. */
    val platform: Platform,
    /** It is emulated. */
    val emulated: Boolean,
    /** It is this device. */
    val isThis: Boolean,
    /** When it was enrolled, in Unix seconds by the server's clock. */
    val enrolledAt: Long,
    /** When the server last executed anything for it, in Unix seconds. */
    val lastSeen: Long,
)

/** What was done with a token. */
public enum class Deed {
    /** It was opened. */
    OPENED,

    /** It was closed. */
    CLOSED,

    /** Its PINs were changed. */
    PINS_CHANGED,

    /** A device got a new key. */
    KEY_ROTATED,

    /** A device gave itself up. */
    UNENROLLED,

    /** A text was approved. */
    APPROVED,

    /** A text was denied. */
    DENIED,

    /** A device was revoked. */
    DEVICE_REVOKED,

    /** A device was taken in again after the server was restored. */
    RESYNCED,

    /** Something that this version does not know. */
    OTHER,
}

/** A line of a token's history. */
public data class HistoryItem(
    /** When, in Unix seconds by the server's clock. */
    val time: Long,
    /** What. */
    val deed: Deed,
    /** By which device; none for an administrator. */
    val device: String?,
)
