"""Cardea tokens from Python: enroll, open, close, ask.

A thin layer over the generated module ``cardea_ffi``. Everything that talks to a server is a coroutine, and may be
cancelled at any time: what was sent is found out by the next call.

    wallet = await Wallet.open_folder("wallet")
    token = (await wallet.enroll(link, b"274951")).token
    status = await wallet.open(token, b"274951")
    assert status.state is State.OPEN

PINs are bytes of ASCII digits. Give a ``bytearray`` and it is wiped when the call has taken it over; ``bytes`` cannot be
wiped. Errors are ``CardeaError``: ``code`` is the same number in every language, ``reason`` is for a person.
"""

import cardea_ffi as _ffi
from cardea_ffi import Enrollment, Preview, State, Status, TokenInfo, preview

#: What every call raises: ``code``, ``reason``, ``tries_left`` and ``wait_seconds``.
CardeaError = _ffi.CardeaError.Failed

__all__ = ["CardeaError", "Enrollment", "Preview", "State", "Status", "TokenInfo", "Wallet", "preview"]


def _take(pin):
    """A copy of a PIN for the call; the caller's own is wiped if it can be."""
    taken = bytes(pin)
    if isinstance(pin, bytearray):
        pin[:] = bytes(len(pin))
    return taken


def _pins(normal, duress):
    return _ffi.Pins(normal=_take(normal), duress=[_take(pin) for pin in duress])


class Wallet:
    """The tokens of one holder on one device. Make one with :meth:`open_folder`."""

    def __init__(self, inner):
        self._inner = inner

    @classmethod
    async def open_folder(cls, folder, *, allow_test_argon2=False, emulated=False, recover_in_background=True):
        """Opens the wallet in ``folder``, making it if it is not there."""
        options = _ffi.WalletOptions(
            allow_test_argon2=allow_test_argon2,
            emulated=emulated,
            recover_in_background=recover_in_background,
        )
        return cls(await _ffi.open_wallet(str(folder), options))

    async def enroll(self, link, pin, duress=()):
        """Accepts an enrollment link. See ``preview`` for where it leads."""
        return await self._inner.enroll(link, _pins(pin, duress))

    async def enroll_code(self, code, server, pin, duress=()):
        """Accepts a typed code; ``server`` is the host that it is for."""
        return await self._inner.enroll_code(code, server, _pins(pin, duress))

    async def open(self, token, pin, seconds=None):
        """Opens a token, for at most ``seconds`` if given."""
        return await self._inner.open(token, _take(pin), seconds)

    async def close(self, token):
        """Closes a token."""
        return await self._inner.close(token)

    async def status(self, token):
        """Asks the server how a token stands."""
        return await self._inner.status(token)

    async def change_pin(self, token, current, new, duress=()):
        """Replaces all PINs of a token."""
        return await self._inner.change_pin(token, _take(current), _pins(new, duress))

    async def unenroll(self, token, pin):
        """Gives a token up."""
        await self._inner.unenroll(token, _take(pin))

    async def list(self):
        """All tokens of the wallet. Asks nobody."""
        return await self._inner.list()
