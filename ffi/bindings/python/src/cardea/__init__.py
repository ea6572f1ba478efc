"""Cardea tokens from Python: enroll, open, close, ask.

    async with cardea.open_wallet("wallet") as wallet:
        enrolled = await wallet.enroll(link, pin)
        status = await enrolled.token.open(pin)
        assert status.state is State.OPEN

Everything that takes time is a coroutine and may be cancelled at any point; those of wallets, tokens and invitations take an
optional ``timeout`` in seconds, which raises ``TimeoutError``. What had been sent by then is found out by the next call. PINs
are ASCII digits. Give a ``bytearray`` and it is wiped when the call is done, however it ends; ``bytes`` cannot be wiped. What
goes wrong is a :class:`CardeaError`: ``code`` is the same number in every language, ``reason`` is for a person.
"""

from . import _generated  # noqa: F401
from ._checks import Pin
from ._errors import (
    Blocked,
    Busy,
    Cancelled,
    CardeaError,
    ConfirmationOver,
    HostFailed,
    InvitationRejected,
    Misuse,
    NotConfirmed,
    NotEnrolled,
    Offline,
    PinRejected,
    Refused,
    RelyingPartyFailed,
    ShuttingDown,
    Storage,
    Wait,
)
from ._events import EventStream
from ._ffi import (
    Answer,
    AskedConfirmation,
    Closed,
    Deed,
    DenyReason,
    DeviceInfo,
    Event,
    EventKind,
    HistoryItem,
    InvitationKind,
    LogLevel,
    PendingConfirmation,
    Platform,
    Policy,
    PresenceRequest,
    Preview,
    Purpose,
    ServiceEvent,
    ServiceInfo,
    ShortString,
    State,
    Status,
    TokenInfo,
    TokenStatus,
    Transport,
    VerifiedReceipt,
    version,
)
from ._host import Clock, Entropy, LogSink, Presence, SecretStore, StoreDenied, StoreFull, os_keyring
from ._pins import ASK, Approval, Biometric
from ._relying import RelyingParty, ServiceEvents, verify_receipt
from ._token import Confirmation, Token
from ._wallet import Enrollment, Invitation, Live, Wallet, open_wallet

__version__ = version()

__all__ = [
    "Answer",
    "Approval",
    "ASK",
    "AskedConfirmation",
    "Biometric",
    "Blocked",
    "Busy",
    "Cancelled",
    "CardeaError",
    "Clock",
    "Closed",
    "Confirmation",
    "ConfirmationOver",
    "Deed",
    "DenyReason",
    "DeviceInfo",
    "Enrollment",
    "Entropy",
    "Event",
    "EventKind",
    "EventStream",
    "HistoryItem",
    "HostFailed",
    "Invitation",
    "InvitationKind",
    "InvitationRejected",
    "Live",
    "LogLevel",
    "LogSink",
    "Misuse",
    "NotConfirmed",
    "NotEnrolled",
    "Offline",
    "open_wallet",
    "os_keyring",
    "PendingConfirmation",
    "Pin",
    "PinRejected",
    "Platform",
    "Policy",
    "Presence",
    "PresenceRequest",
    "Preview",
    "Purpose",
    "Refused",
    "RelyingParty",
    "RelyingPartyFailed",
    "SecretStore",
    "ServiceEvent",
    "ServiceEvents",
    "ServiceInfo",
    "ShortString",
    "ShuttingDown",
    "State",
    "Status",
    "Storage",
    "StoreDenied",
    "StoreFull",
    "Token",
    "TokenInfo",
    "TokenStatus",
    "Transport",
    "VerifiedReceipt",
    "verify_receipt",
    "version",
    "Wait",
    "Wallet",
]
