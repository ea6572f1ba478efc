"""What can go wrong."""

from __future__ import annotations

from typing import Any

from . import _ffi


class CardeaError(Exception):
    """Why something did not succeed."""

    #: Stable number, the same in every language.
    code: int
    #: Text for a person, without secrets.
    reason: str

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason

    def __reduce__(self) -> Any:
        return (_rebuilt, (type(self), dict(self.__dict__)))


class PinRejected(CardeaError):
    """The PIN is wrong (code 1)."""

    #: Wrong PINs left before the token is blocked.
    tries_left: int


class Wait(CardeaError):
    """Too many wrong PINs: the server does not look at another one yet (2)."""

    #: Wrong PINs left before the token is blocked.
    tries_left: int
    #: Seconds until the server looks at a PIN again.
    wait_seconds: int


class Blocked(CardeaError):
    """Blocked until an administrator unblocks it, or for some time (3)."""

    #: Seconds that it lasts, if it ends by itself.
    wait_seconds: int | None


class NotEnrolled(CardeaError):
    """The server does not know this device any more (4)."""


class InvitationRejected(CardeaError):
    """The link, image or code is none, was used, or leads to something that must not be trusted."""


class ConfirmationOver(CardeaError):
    """The text does not wait for an answer any more (11, 12)."""


class NotConfirmed(CardeaError):
    """Sent, but no answer came: whether it was done is found out by the next call (101)."""


class Offline(CardeaError):
    """The server cannot be reached, and nothing was sent (102)."""


class Busy(CardeaError):
    """The token is in use by another operation (103)."""


class Cancelled(CardeaError):
    """The holder, or the program for him, gave up (106)."""


class Misuse(CardeaError):
    """What was asked for cannot be: an unknown token, a PIN that is not allowed, a window that is too short."""


class Refused(CardeaError):
    """The server refused, or does not keep to the protocol."""


class Storage(CardeaError):
    """The store, or the host's store of secrets (130 to 142)."""


class HostFailed(CardeaError):
    """Something that the program gave to the wallet failed, did not answer, or called back into it (151)."""


class ShuttingDown(CardeaError):
    """The program is shutting down (150)."""


class RelyingPartyFailed(CardeaError):
    """A relying party's call was not answered. It is never an open token (160 to 169)."""

    #: Seconds after which the same call may succeed, where the server says so.
    wait_seconds: int | None


_CLASSES: dict[str, type[CardeaError]] = {
    "PinRejected": PinRejected,
    "Wait": Wait,
    "Blocked": Blocked,
    "NotEnrolled": NotEnrolled,
    "InvitationRejected": InvitationRejected,
    "ConfirmationOver": ConfirmationOver,
    "NotConfirmed": NotConfirmed,
    "Offline": Offline,
    "Busy": Busy,
    "Cancelled": Cancelled,
    "Misuse": Misuse,
    "Refused": Refused,
    "Storage": Storage,
    "Host": HostFailed,
    "ShuttingDown": ShuttingDown,
    "RelyingParty": RelyingPartyFailed,
}

#: What the generated module raises.
Generated = _ffi.CardeaError


def _rebuilt(kind: type[CardeaError], values: dict[str, Any]) -> CardeaError:
    error = kind(values["code"], values["reason"])
    error.__dict__.update(values)
    return error


def translated(error: Any) -> CardeaError:
    """An error of the generated module as one of ours."""
    values = {name: getattr(error, name) for name in ("code", "reason", "tries_left", "wait_seconds") if hasattr(error, name)}
    return _rebuilt(_CLASSES.get(type(error).__name__, CardeaError), values)
