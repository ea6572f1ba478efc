"""One token."""

from __future__ import annotations

from collections.abc import Iterable

from . import _ffi
from ._calls import call, taking_pins
from ._checks import Pin, instance, secret, text, whole
from ._pins import Approval, approval, lowered, lowered_list, new_pins


class Confirmation:
    """A text that waits for an answer. What is in it is what is signed: show it as it is, all of it."""

    def __init__(self, inner: _ffi.Confirmation) -> None:
        self._inner = inner

    @property
    def id(self) -> str:
        """Its id, as relying parties know it."""
        return self._inner.id()

    @property
    def text(self) -> str:
        """One line that hides nothing."""
        return self._inner.text()

    @property
    def expires_at(self) -> int:
        """The first second, by the server's clock and in Unix seconds, in which it cannot be answered any more."""
        return self._inner.expires_at()

    def __repr__(self) -> str:
        return f"Confirmation({self.text!r})"


class Token:
    """A handle on one token. Holds no secrets and no lock.

    Operations on one token wait for each other, over all processes that share the folder, and end after a minute.
    """

    def __init__(self, inner: _ffi.Token) -> None:
        self._inner = inner

    @property
    def id(self) -> str:
        """Its name in this wallet."""
        return self._inner.id()

    def __repr__(self) -> str:
        return f"Token({self.id})"

    async def info(self, *, timeout: float | None = None) -> _ffi.TokenInfo:
        """What the wallet holds of it. Asks nobody."""
        return await call(self._inner.info(), timeout)

    @taking_pins
    async def open(self, pin: Approval, seconds: int | None = None, *, timeout: float | None = None) -> _ffi.Status:
        """Opens it, for at most ``seconds`` (at least 2) if given. While it is open this begins a new window from now."""
        return await call(self._inner.open(approval("pin", pin), None if seconds is None else whole("seconds", seconds)), timeout)

    async def close(self, *, timeout: float | None = None) -> _ffi.Status:
        """Closes it. Needs no PIN."""
        return await call(self._inner.close(), timeout)

    async def status(self, *, timeout: float | None = None) -> _ffi.Status:
        """Asks the server how it stands."""
        return await call(self._inner.status(), timeout)

    @taking_pins
    async def change_pin(
        self,
        current: Approval,
        new: Pin,
        duress: Iterable[Pin] = (),
        biometric: Pin | None = None,
        *,
        timeout: float | None = None,
    ) -> _ffi.Status:
        """Replaces all PINs and the biometric key: what is not among the new ones is gone."""
        pins = new_pins("new", new, duress, biometric)
        return await call(self._inner.change_pin(approval("current", current), pins), timeout)

    @taking_pins
    async def set_duress(self, current: Pin, duress: Iterable[Pin], *, timeout: float | None = None) -> _ffi.Status:
        """Sets the duress PINs and keeps the PIN that opens. An empty list removes them."""
        pins = lowered_list("duress", duress)
        return await call(self._inner.set_duress(lowered(secret("current", current)), pins), timeout)

    @taking_pins
    async def unenroll(self, pin: Approval, *, timeout: float | None = None) -> None:
        """Gives it up: the server forgets this device, then the wallet does."""
        await call(self._inner.unenroll(approval("pin", pin)), timeout)

    async def confirmations(self, *, timeout: float | None = None) -> list[Confirmation]:
        """The texts that wait for an answer."""
        return [Confirmation(inner) for inner in await call(self._inner.confirmations(), timeout)]

    @taking_pins
    async def approve(self, confirmation: Confirmation, pin: Approval, *, timeout: float | None = None) -> _ffi.Status:
        """Approves a text."""
        asked = instance("confirmation", confirmation, Confirmation)
        return await call(self._inner.approve(asked._inner, approval("pin", pin)), timeout)

    async def deny(
        self, confirmation: Confirmation, reason: _ffi.DenyReason | None = None, *, timeout: float | None = None
    ) -> _ffi.Status:
        """Denies a text. Needs no PIN."""
        asked = instance("confirmation", confirmation, Confirmation)
        why = None if reason is None else instance("reason", reason, _ffi.DenyReason)
        return await call(self._inner.deny(asked._inner, why), timeout)

    async def service_info(self, *, timeout: float | None = None) -> _ffi.ServiceInfo:
        """What the holder is to see of the service."""
        return await call(self._inner.service_info(), timeout)

    async def devices(self, *, timeout: float | None = None) -> list[_ffi.DeviceInfo]:
        """The devices of the token, this one among them."""
        return await call(self._inner.devices(), timeout)

    async def history(self, page: int = 0, *, timeout: float | None = None) -> list[_ffi.HistoryItem]:
        """A page of at most sixteen lines of what was done with the token, newest first."""
        return await call(self._inner.history(whole("page", page, 256)), timeout)

    @taking_pins
    async def revoke_device(self, device: str, pin: Approval, *, timeout: float | None = None) -> _ffi.Status:
        """Revokes another device of the token, and closes the token."""
        return await call(self._inner.revoke_device(text("device", device), approval("pin", pin)), timeout)

    async def set_label(self, label: str, *, timeout: float | None = None) -> None:
        """Sets what the holder calls the token, at most 64 bytes. Stays in this wallet."""
        await call(self._inner.set_label(text("label", label)), timeout)

    async def forget(self, *, timeout: float | None = None) -> None:
        """Removes the token from this wallet without telling the server, which goes on knowing the device."""
        await call(self._inner.forget(), timeout)
