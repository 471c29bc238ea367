"""Webhooks: what a receiver gets, and what it may answer."""

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import Any

import fixtures

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.certificates import make_certificate
from buildfarm.farmtesting.hookserver import HookServer
from buildfarm.flow.threads import Workers
from buildfarm.notifying.errors import DeliveryFailed, DeliveryRefused
from buildfarm.notifying.senders import Senders
from buildfarm.vocab.news import Delivery
from tests.unit.notifying.cases import BUILD, broken, delivery, notice, settings, webhook

SECRET = "a secret of enough bytes to be one"


class WebhookTests(FarmTestCase):
    timeout = 30.0

    async def setUp(self) -> None:
        super().setUp()
        self.server = HookServer(self)
        await self.server.start()
        self.workers = Workers(self.reactor, 2, 10, "mail")
        self.addCleanup(self.workers.stop, 5.0)
        self.secret_file = self.make_directory() / "secret"
        self.secret_file.write_text(SECRET)
        self.secret_file.chmod(0o600)

    async def send(self, one: Delivery, **fields: Any) -> None:
        """Send a delivery to the server."""
        described = {"url": self.server.url, "secret_file": self.secret_file, **fields}
        told = settings(None, webhook(**described))
        workers = self.workers
        senders = Senders(self.reactor, told, mail=workers, files=workers, utc_now=utc_now)
        await senders.send(one)

    async def error_of(self, **fields: Any) -> DeliveryFailed:
        """Why it was not taken."""
        try:
            await self.send(delivery(notice()), **fields)
        except DeliveryFailed as error:
            return error
        self.fail("it was taken")
        raise AssertionError

    async def test_signed(self) -> None:
        """The receiver can tell that it is ours, and which delivery it is."""
        await self.send(delivery(notice()))
        [hook] = self.server.hooks
        signed = f"{hook.headers['webhook-id']}.{hook.headers['webhook-timestamp']}.".encode()
        mac = hmac.new(SECRET.encode(), signed + hook.body, hashlib.sha256).digest()
        self.assertEqual(f"v1,{base64.b64encode(mac).decode()}", hook.headers["webhook-signature"])
        self.assertEqual("news-0123abcd-3", hook.told["delivery"])
        self.assertEqual("application/json", hook.headers["content-type"])

    async def test_answers(self) -> None:
        """Success takes it, 410 is for good, all else is tried again; no redirect is followed."""
        self.server.location = self.server.url.replace("/hook", "/elsewhere")
        for code in (302, 307, 308, 400, 404, 500, 503):
            self.server.codes = [code]
            error = await self.error_of()
            self.assertIs(DeliveryFailed, type(error), code)
            self.assertIn(f"It answers {code}: what it says\\x1b[2J", str(error))
        self.server.codes = [410]
        self.assertIs(DeliveryRefused, type(await self.error_of()))
        self.assertEqual({"/hook"}, {hook.path for hook in self.server.hooks})

    async def test_no_answer(self) -> None:
        """A receiver that does not answer is left at the deadline."""
        self.server.codes = [0]
        error = await self.error_of(deadline=0.3)
        self.assertEqual("It did not answer within 0.3 s.", str(error))

    async def test_answer_without_end(self) -> None:
        """Of an answer the beginning is read."""
        self.server.codes = [1]
        error = await self.error_of(deadline=5.0)
        self.assertIn("It answers 500: ....", str(error))

    async def test_encrypted(self) -> None:
        """With https the receiver's certificate has to be good, or it is told nothing."""
        certificate, key = make_certificate(self.make_directory())
        secure = HookServer(self)
        await secure.start(certificate, key)
        error = await self.error_of(url=secure.url)
        self.assertIn("certificate verify failed", str(error))
        self.useFixture(fixtures.EnvironmentVariable("SSL_CERT_FILE", str(certificate)))
        await self.send(delivery(notice()), url=secure.url)
        self.assertEqual(1, len(secure.hooks))

    async def test_nobody_there(self) -> None:
        """A receiver that is not there may be later."""
        error = await self.error_of(url="http://127.0.0.1:1/")
        self.assertIn("It cannot be reached: ", str(error))

    async def test_secret_that_cannot_be_read(self) -> None:
        """Nothing is sent without a signature."""
        self.secret_file.chmod(0o644)
        self.assertIn("can be read by everybody", str(await self.error_of()))
        self.secret_file.write_text("short")
        self.secret_file.chmod(0o600)
        self.assertIn("at least 24 bytes", str(await self.error_of()))
        self.assertEqual([], self.server.hooks)

    async def test_private(self) -> None:
        """What private thing a failed builder was building is told to who may know of it only."""
        secret = replace(BUILD, archive="vault", private=True)
        told = delivery(broken(reason="vault broke it", build=secret))
        await self.send(told)
        await self.send(told, private=True)
        hidden, shown = (hook.told["news"][0] for hook in self.server.hooks)
        self.assertEqual((None, "bob"), (hidden["build"], hidden["builder"]["name"]))
        self.assertNotIn("vault", str(hidden))
        self.assertEqual("vault", shown["build"]["archive"])

    async def test_not_configured_any_more(self) -> None:
        """A webhook that was taken out of the configuration is not told."""
        self.assertIs(DeliveryRefused, type(await self.error_of(name="other")))
