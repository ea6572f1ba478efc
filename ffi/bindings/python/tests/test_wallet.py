"""The whole way from Python: a wallet, a real server process, and a relying party."""

import asyncio
import os
import tempfile
import unittest

import cardea
from server import Server

PIN = b"274951"
WRONG = b"519384"
OPEN, CLOSED, NOT_ENROLLED = b'{"status":1}', b'{"status":2}', b'{"status":0}'


class WalletTest(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    async def asyncSetUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.join(folder.name, "wallet")
        self.wallet = await self.open_folder()
        self.user = self.id()

    async def open_folder(self):
        return await cardea.Wallet.open_folder(self.folder, allow_test_argon2=True, emulated=True)

    async def enroll(self):
        link = self.server.call("enroll", self.user)["link"]
        return (await self.wallet.enroll(link, PIN)).token

    async def fails(self, code, call):
        with self.assertRaises(cardea.CardeaError) as caught:
            await call
        self.assertEqual(caught.exception.code, code, caught.exception.reason)
        return caught.exception

    async def test_a_token_is_enrolled_opened_closed_and_given_up(self):
        token = await self.enroll()
        self.assertEqual(self.server.status(self.user), CLOSED)
        status = await self.wallet.open(token, PIN)
        self.assertIs(status.state, cardea.State.OPEN)
        self.assertEqual(status.remaining_seconds, 60)
        self.assertEqual(self.server.status(self.user), OPEN)
        self.assertIs((await self.wallet.status(token)).state, cardea.State.OPEN)
        self.assertIs((await self.wallet.close(token)).state, cardea.State.CLOSED)
        self.assertEqual(self.server.status(self.user), CLOSED)
        await self.wallet.unenroll(token, PIN)
        self.assertEqual(self.server.status(self.user), NOT_ENROLLED)
        self.assertEqual(await self.wallet.list(), [])

    async def test_a_token_is_there_after_a_restart(self):
        token = await self.enroll()
        self.wallet = await self.open_folder()
        [info] = await self.wallet.list()
        self.assertEqual((info.token, info.confirmed, info.host), (token, True, "127.0.0.1"))
        self.assertIs((await self.wallet.open(token, PIN, seconds=8)).state, cardea.State.OPEN)

    async def test_a_typed_code_enrolls_too(self):
        code = self.server.call("enroll", self.user)["code"]
        enrolled = await self.wallet.enroll_code(code, self.server.http, PIN)
        self.assertIs((await self.wallet.status(enrolled.token)).state, cardea.State.CLOSED)

    async def test_a_link_can_be_looked_at_before(self):
        link = self.server.call("enroll", self.user)["link"]
        self.assertEqual(cardea.preview(link).host, "127.0.0.1")
        with self.assertRaises(cardea.CardeaError) as caught:
            cardea.preview("https://id.example/")
        self.assertEqual(caught.exception.code, 111)

    async def test_a_wrong_pin_says_how_many_tries_are_left(self):
        token = await self.enroll()
        error = await self.fails(1, self.wallet.open(token, WRONG))
        self.assertEqual(error.tries_left, 9)
        self.assertIn("tries left: 9", error.reason)

    async def test_a_pin_is_changed(self):
        token = await self.enroll()
        await self.wallet.change_pin(token, PIN, b"605172")
        await self.fails(1, self.wallet.open(token, PIN))
        await self.wallet.open(token, b"605172")

    async def test_a_link_works_once(self):
        link = self.server.call("enroll", self.user)["link"]
        await self.wallet.enroll(link, PIN)
        await self.fails(10, self.wallet.enroll(link, PIN))

    async def test_bad_arguments_have_their_own_numbers(self):
        token = await self.enroll()
        await self.fails(110, self.wallet.open(token, b"27495x"))
        await self.fails(114, self.wallet.open(token, PIN, seconds=1))
        await self.fails(140, self.wallet.status("no name"))
        await self.fails(104, self.wallet.status("0" * 32 + "-" + "0" * 8))
        await self.fails(112, self.wallet.enroll_code("short", self.server.http, PIN))

    async def test_a_bytearray_is_wiped(self):
        token = await self.enroll()
        pin = bytearray(PIN)
        await self.wallet.open(token, pin)
        self.assertEqual(pin, bytes(len(PIN)))

    async def test_cheap_hashing_is_refused_unless_asked_for(self):
        strict = await cardea.Wallet.open_folder(self.folder + "-strict")
        link = self.server.call("enroll", self.user)["link"]
        await self.fails(113, strict.enroll(link, PIN))

    async def test_a_cancelled_call_leaves_a_token_that_works(self):
        token = await self.enroll()
        opening = asyncio.ensure_future(self.wallet.open(token, PIN))
        await asyncio.sleep(0)
        opening.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await opening
        self.assertIs((await self.wallet.close(token)).state, cardea.State.CLOSED)
        self.assertIs((await self.wallet.open(token, PIN)).state, cardea.State.OPEN)

    async def test_operations_at_the_same_time_wait_for_each_other(self):
        token = await self.enroll()
        states = await asyncio.gather(*(self.wallet.status(token) for _ in range(8)))
        self.assertEqual({status.state for status in states}, {cardea.State.CLOSED})


if __name__ == "__main__":
    unittest.main()
