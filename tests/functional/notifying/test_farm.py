"""A running manager tells of failures: by mail, by webhook, whoever is slow."""

import socket
from dataclasses import replace
from typing import Any

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.daemonscript import Script
from buildfarm.farmtesting.farm import Farm
from buildfarm.farmtesting.hookserver import HookServer
from buildfarm.farmtesting.mailserver import MailServer
from buildfarm.storage import mailaddresses, outbox, people
from buildfarm.vocab.notificationsettings import (
    MailSettings,
    NotificationSettings,
    WebhookSettings,
)
from buildfarm.vocab.states import BuildOutcome, BuildState


class NewsTests(FarmTestCase):
    timeout = 40.0

    async def setUp(self) -> None:
        super().setUp()
        self.farm = await Farm.make(self)
        self.mail = MailServer(self)
        self.hooks = HookServer(self)
        await self.hooks.start()
        secret = self.farm.root / "secret"
        secret.write_text("a secret of enough bytes to be one")
        secret.chmod(0o600)
        self.webhook = WebhookSettings(name="ci", url=self.hooks.url, secret_file=secret)
        self.configure(MailSettings(gather=0.2, interval=0.2), self.webhook)
        for name in ("ann", "test"):
            await self.farm.write(people.add_person, name, "", False, "test", utc_now())
        mail = "submitter@farm.example"
        await self.farm.write(mailaddresses.set_mail_address, "test", mail, "test", utc_now())

    def configure(self, mail: MailSettings, *webhooks: WebhookSettings) -> None:
        """Tell these."""
        mail = replace(
            mail,
            host="127.0.0.1",
            port=self.mail.port,
            sender="farm@farm.example",
            recipients=("ops@farm.example",),
            deadline=5.0,
        )
        self.farm.settings = replace(
            self.farm.settings,
            mail=mail,
            webhooks=webhooks,
            notifications=NotificationSettings(first_retry=0.1, longest_retry=0.2),
        )

    async def fail_builds(self, count: int) -> list[int]:
        """Have so many builds fail."""
        failing = Script(seconds=0.05, outcome=BuildOutcome.PACKAGEFAIL)
        await self.farm.add_builder(self.farm.daemon(lambda order: failing))
        ids = [await self.farm.submit(f"p{number}") for number in range(count)]
        for build_id in ids:
            await self.farm.wait_for_build(build_id, BuildState.FAILEDTOBUILD)
        return ids

    async def test_told(self) -> None:
        """Operators and requester get mail, the webhook is told, each of everything once."""
        await self.farm.start()
        ids = await self.fail_builds(3)
        await self.wait_until(self.nothing_waits)
        told = [one["build"]["id"] for hook in self.hooks.hooks for one in hook.told["news"]]
        self.assertEqual(ids, told)
        found = {mail.recipients[0] for mail in self.mail.mails}
        self.assertEqual({"ops@farm.example", "submitter@farm.example"}, found)
        text = b"".join(mail.content for mail in self.mail.mails).decode()
        for build_id in ids:
            self.assertEqual(2, text.count(f"/builds/{build_id}\r\n"))

    async def test_a_receiver_that_fails(self) -> None:
        """What one receiver does not take is sent again under the same key; mail does not wait."""
        self.hooks.codes = [503, 0, 500]
        self.configure(MailSettings(gather=0.1), replace(self.webhook, deadline=0.3))
        await self.farm.start()
        await self.fail_builds(1)
        await self.wait_until(lambda: len(self.mail.mails) == 2)
        await self.wait_until(self.nothing_waits)
        keys = {hook.headers["webhook-id"] for hook in self.hooks.hooks}
        self.assertEqual((4, 1), (len(self.hooks.hooks), len(keys)))
        self.assertEqual(1, len({hook.body for hook in self.hooks.hooks}))

    async def test_reload(self) -> None:
        """Who is told changes with the configuration, without a restart."""
        await self.farm.start()
        self.configure(MailSettings(gather=0.1))
        assert self.farm.service is not None
        self.farm.service.reload(self.farm.settings)
        await self.fail_builds(1)
        await self.wait_until(self.nothing_waits)
        self.assertEqual([], self.hooks.hooks)
        self.assertEqual(2, len(self.mail.mails))

    async def test_stopped_with_a_server_that_hangs(self) -> None:
        """A server that takes the connection and says nothing keeps no manager from stopping."""
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        self.configure(MailSettings(gather=0.1))
        mail = replace(self.farm.settings.mail, port=silent.getsockname()[1], requesters=False)
        self.farm.settings = replace(self.farm.settings, mail=mail)
        await self.farm.start()
        await self.fail_builds(1)
        await self.wait_until(self.something_begun)
        await self.farm.stop()
        [waiting] = await self.farm.read(outbox.deliveries, False, 100)
        self.assertEqual(0, len(self.mail.mails))
        self.assertEqual(None, waiting.ended)

    async def nothing_waits(self) -> bool:
        """Whether something was told, and all of it was."""
        if await self.farm.read(outbox.has_new):
            return False
        every = await self.farm.read(outbox.deliveries, True, 100)
        return bool(every) and not await self.farm.read(outbox.deliveries, False, 100)

    async def something_begun(self) -> bool:
        """Whether a delivery is on its way."""
        found: tuple[Any, ...] = await self.farm.read(outbox.deliveries, False, 100)
        return any(one.tries for one in found)
