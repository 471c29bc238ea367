"""The verbs of what is told: trying the settings, and looking at what waits."""

from dataclasses import replace
from typing import Any

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.hookserver import HookServer
from buildfarm.farmtesting.mailserver import MailServer
from buildfarm.storage import outbox
from buildfarm.storage.acts import Committed
from buildfarm.storage.events import Place
from buildfarm.vocab.news import NewsKind, Receiver
from buildfarm.vocab.notificationsettings import MailSettings, WebhookSettings
from tests.functional.admin.cases import VerbTestCase


class TestTried(VerbTestCase):
    async def setUp(self) -> None:
        super().setUp()
        self.mail = MailServer(self)
        self.hooks = HookServer(self)
        await self.hooks.start()
        secret = self.make_directory() / "secret"
        secret.write_text("a secret of enough bytes to be one")
        secret.chmod(0o600)
        mail = MailSettings(
            host="127.0.0.1", port=self.mail.port, sender="farm@b", recipients=("ops@b",)
        )
        webhook = WebhookSettings(name="ci", url=self.hooks.url, secret_file=secret)
        self.settings = replace(self.settings, mail=mail, webhooks=(webhook,))

    async def test_all(self) -> None:
        """Everybody who would be told is sent a test, and what each said is told."""
        self.hooks.codes = [500]
        told = await self.do("notify.test")
        self.assertEqual(
            [("mail ops@b", True), ("webhook ci", False)],
            [(one["receiver"], one["taken"]) for one in told],
        )
        self.assertIn("answers 500", told[1]["error"])
        self.assertEqual(1, len(self.mail.mails))

    async def test_one(self) -> None:
        """One receiver by its name; one that is not configured is refused."""
        [told] = await self.do("notify.test", receiver="webhook ci")
        self.assertTrue(told["taken"])
        self.assertEqual([True], [hook.told["test"] for hook in self.hooks.hooks])
        self.assertIn("known: mail ops@b", await self.refusal("notify.test", receiver="mail x@y"))

    async def test_nobody(self) -> None:
        """Without anybody to tell, there is nothing to try."""
        self.settings = replace(self.settings, mail=MailSettings(), webhooks=())
        self.assertIn("names nobody", await self.refusal("notify.test"))


class TestListed(VerbTestCase):
    async def test_waiting(self) -> None:
        """What waits is listed with its receiver and how much it tells."""
        self.assertEqual([], await self.do("notify.list"))
        kinds = frozenset(NewsKind)
        receiver = Receiver("webhook ci", kinds, frozenset(), False, 60.0, 60.0, 100)
        await self.transactor.write(told)
        await self.transactor.write(outbox.address, (receiver,), None, utc_now())
        [listed] = await self.do("notify.list")
        self.assertEqual(
            ("webhook ci", 1, "WAITING", 0),
            tuple(listed[key] for key in ("receiver", "count", "state", "tries")),
        )
        self.assertIn("is not between", await self.refusal("notify.list", limit=0))


class TestMail(VerbTestCase):
    async def test_set(self) -> None:
        """A person's address is set, shown and taken away."""
        await self.do("person.add", name="ann")
        self.assertIs(None, await self.do("person.mail", name="ann"))
        self.assertEqual("a@b", await self.do("person.mail", name="ann", address="a@b"))
        self.assertEqual("a@b", await self.do("person.mail", name="ann"))
        self.assertIs(None, await self.do("person.mail", name="ann", none=True))
        self.assertIs(None, await self.do("person.mail", name="ann"))


def told(store: Any) -> Committed[None]:
    """An act: a builder has failed."""
    outbox.tell(store, utc_now(), NewsKind.BUILDER_FAILED, Place(), "It failed.")
    return Committed(None)
