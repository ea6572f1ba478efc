"""Cardea tokens from Python: enroll, open, close, ask.

    async with cardea.open_wallet("wallet") as wallet:
        enrolled = await wallet.enroll(link, pin)
        status = await enrolled.token.open(pin)
        assert status.state is State.OPEN

Everything that takes time is a coroutine. It may be cancelled at any point, and takes an optional ``timeout`` in seconds,
which raises ``TimeoutError``; what had been sent by then is found out by the next call. PINs are ASCII digits. Give a
``bytearray`` and it is wiped when the call is done, however it ends; ``bytes`` cannot be wiped. What goes wrong is a
:class:`CardeaError`: ``code`` is the same number in every language, ``reason`` is for a person.
"""

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
    Deed,
    DenyReason,
    DeviceInfo,
    Event,
    EventKind,
    HistoryItem,
    Platform,
    Preview,
    ServiceInfo,
    State,
    Status,
    TokenInfo,
    Transport,
    version,
)
from ._host import Clock, Entropy
from ._pins import Pin
from ._token import Confirmation, Token
from ._wallet import Enrollment, Invitation, Wallet, open_wallet

__version__ = version()

__all__ = [
    "Blocked",
    "Busy",
    "Cancelled",
    "CardeaError",
    "Clock",
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
    "InvitationRejected",
    "Misuse",
    "NotConfirmed",
    "NotEnrolled",
    "Offline",
    "Pin",
    "PinRejected",
    "Platform",
    "Preview",
    "Refused",
    "RelyingPartyFailed",
    "ServiceInfo",
    "ShuttingDown",
    "State",
    "Status",
    "Storage",
    "Token",
    "TokenInfo",
    "Transport",
    "Wait",
    "Wallet",
    "open_wallet",
    "version",
]
