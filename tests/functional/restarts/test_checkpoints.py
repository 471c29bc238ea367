"""The manager is killed at each numbered step: nothing is lost, and nothing happens twice.

At each step two managers in a row are killed; their children live on. The third brings every build
to its end.
"""

import io
import json
import os
import re
import signal
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import buildfarm
from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.hookserver import HookServer
from buildfarm.farmtesting.processes import Process
from buildfarm.farmtesting.restartfarm import WatchedDaemon
from buildfarm.filestore.store import FileStore
from buildfarm.storage import chroots, events, outbox
from buildfarm.storage.acts import Committed
from buildfarm.storage.events import Place
from buildfarm.vocab.archive import ChrootSnapshot
from buildfarm.vocab.news import NewsKind
from buildfarm.vocab.notificationsettings import NotificationSettings, WebhookSettings
from buildfarm.vocab.states import BuildOutcome, UploaderKind
from tests.functional.restarts.killing import RestartTestCase

_NAME = re.compile(r'"((?:dispatch|gather|clean|collect|upload|news|depwait)\.[a-z-]+)"')


class CheckpointTestCase(RestartTestCase):
    async def kill_at(self, step: str) -> None:
        """Two managers are killed at `step`; the third finishes what they began."""
        await self.farm.add_builders(2, seconds=0.3)
        await self.submit(2)
        for count in (2, 1):
            manager = self.farm.start_manager(step, count)
            status = await self.farm.wait_until_ended(manager)
            self.assertEqual(-signal.SIGKILL, status, self.farm.story())
        self.farm.start_manager()
        await self.farm.wait_until_all_built()
        await self.farm.stop_manager()
        await self.assert_promises()


class DispatchTests(CheckpointTestCase):
    async def test_claimed(self) -> None:
        """The attempt is in the database, and the builder knows nothing of it."""
        await self.kill_at("dispatch.claimed")

    async def test_files_present(self) -> None:
        """The builder has the files, and knows nothing of the build."""
        await self.kill_at("dispatch.files-present")

    async def test_sent(self) -> None:
        """The attempt is SENT, and `build` never came to be on the wire."""
        await self.kill_at("dispatch.sent")

    async def test_confirmed(self) -> None:
        """The build runs, and the database does not know that the builder said so."""
        await self.kill_at("dispatch.confirmed")


class GatherTests(CheckpointTestCase):
    async def test_downloaded(self) -> None:
        """The results are in the spool, and the database does not know."""
        await self.kill_at("gather.downloaded")

    async def test_settled(self) -> None:
        """The results are ours, and the builder still has them."""
        await self.kill_at("gather.settled")


class CleanTests(CheckpointTestCase):
    async def test_resetting(self) -> None:
        """The builder is CLEANING, and nobody cleans it."""
        await self.kill_at("clean.resetting")

    async def test_reset(self) -> None:
        """The machine was reset, and the database does not know."""
        await self.kill_at("clean.reset")

    async def test_done(self) -> None:
        """The builder has forgotten its results, and the database does not know."""
        await self.kill_at("clean.done")


class CollectTests(CheckpointTestCase):
    """Each manager sweeps while it builds; the file store has what nobody needs, and what is."""

    async def setUp(self) -> None:
        await super().setUp()
        self.files = FileStore(self.farm.settings.store_dir)
        self.unneeded = [self.add(f"unneeded {number}") for number in range(20)]
        needed = self.add("a chroot")
        await self.farm.write(
            chroots.set_chroot,
            ChrootSnapshot("debian", "bookworm", "armhf", chroots.TARBALL, 8, "a" * 40, needed),
            "test",
            utc_now(),
        )
        self.needed = needed

    def add(self, content: str) -> str:
        """Add a file, long ago; its digest."""
        digest = self.files.add(io.BytesIO(content.encode()), max_bytes=99).sha256
        os.utime(self.files.path(digest), (0, 0))
        return digest

    async def sweep(self) -> int:
        """Give the command; how it ends."""
        command = self.farm.command("sweep")
        log = self.farm.root / "swept"
        return await Process.start(self.reactor, command, log, cwd=self.farm.root).when_ended()

    async def kill_at(self, step: str) -> None:
        """Two managers are killed at `step` of their sweeps; the third finishes the work."""
        await self.farm.add_builders(2, seconds=0.3)
        await self.submit(1)
        for _ in range(2):
            manager = self.farm.start_manager(step)
            await self.farm.wait_until_ready()
            self.assertEqual(1, await self.sweep())
            status = await self.farm.wait_until_ended(manager)
            self.assertEqual(-signal.SIGKILL, status, self.farm.story())
        self.farm.start_manager()
        await self.farm.wait_until_ready()
        self.assertEqual(0, await self.sweep())
        self.assertEqual([], [one for one in self.unneeded if self.files.path(one).exists()])
        self.assertTrue(self.files.path(self.needed).exists())
        self.assertEqual([], [*(self.files.path("0" * 64).parent.parent / "unfinished").iterdir()])
        await self.farm.wait_until_all_built()
        await self.farm.stop_manager()
        await self.assert_promises()

    async def test_named(self) -> None:
        """The collector knows what is named, and has removed nothing."""
        await self.kill_at("collect.named")

    async def test_removed(self) -> None:
        """The collector is in the middle of it."""
        await self.kill_at("collect.removed")


class UploadTests(CheckpointTestCase):
    async def test_checked(self) -> None:
        """The results have passed the check, and no archive was touched."""
        await self.kill_at("upload.checked")

    async def test_published(self) -> None:
        """The results are in the archive, and the database does not know."""
        await self.kill_at("upload.published")

    async def test_recorded(self) -> None:
        """All is done, and the spool still has the results."""
        await self.kill_at("upload.recorded")


class DirectoryTests(CheckpointTestCase):
    async def test_prepared(self) -> None:
        """The database knows that the upload is prepared; it is not public."""
        await self.kill_at("upload.prepared")

    async def test_renamed(self) -> None:
        """The upload is public, and its reader may have taken it."""
        await self.kill_at("upload.renamed")


class RepreproTests(CheckpointTestCase):
    async def test_saved(self) -> None:
        """The archive's database is saved, and nothing was changed."""
        await self.kill_at("upload.saved")

    async def test_included(self) -> None:
        """The package is in the archive, and nothing was verified."""
        await self.kill_at("upload.included")

    async def test_verified(self) -> None:
        """The package is in the archive, and the ledger does not know."""
        await self.kill_at("upload.verified")

    async def test_committed(self) -> None:
        """The ledger knows, and the manager does not."""
        await self.kill_at("upload.committed")


class CommandTests(CheckpointTestCase):
    async def test_staged(self) -> None:
        """The program has not been run; it is then run at least once with each cookie."""
        told = self.farm.root / "told"
        program = self.farm.root / "program"
        program.write_text(f'#!/bin/sh\necho "$BUILDD_MANAGER_COOKIE" >> "{told}"\n')
        program.chmod(0o755)
        await self.farm.add_archive("told", uploader=UploaderKind.COMMAND, path=str(program))
        ids = [await self.farm.submit_into("told", f"p{number}") for number in range(4)]
        await self.kill_at("upload.staged")
        cookies = {(await self.farm.attempts(build_id))[-1].cookie for build_id in ids}
        self.assertEqual(cookies, set(told.read_text().split()))


class NewsTests(RestartTestCase):
    """A builder has failed, which a webhook is to be told of."""

    async def setUp(self) -> None:
        await super().setUp()
        self.hooks = HookServer(self)
        await self.hooks.start()
        secret = self.farm.root / "secret"
        secret.write_text("a secret of enough bytes to be one")
        secret.chmod(0o600)
        webhook = WebhookSettings(name="ci", url=self.hooks.url, secret_file=secret)
        again = NotificationSettings(first_retry=0.1, longest_retry=0.1)
        self.farm.configure(replace(self.farm.settings, webhooks=(webhook,), notifications=again))
        await self.farm.add_spare("lost")

    async def kill_at(self, step: str) -> None:
        """Two managers are killed at `step`, each with its own news; the third tells the rest."""
        for number in range(2):
            await self.farm.write(a_builder_failed, f"It failed {number} times.", utc_now())
            status = await self.farm.wait_until_ended(self.farm.start_manager(step))
            self.assertEqual(-signal.SIGKILL, status, self.farm.story())
        self.farm.start_manager()
        await self.wait_until(self.all_told, what=self.farm.story)
        await self.farm.stop_manager()
        bodies: dict[str, set[bytes]] = {}
        for hook in self.hooks.hooks:
            bodies.setdefault(hook.headers["webhook-id"], set()).add(hook.body)
        self.assertEqual({1}, {len(sent) for sent in bodies.values()}, "one key, one content")
        told = [one["id"] for [body] in bodies.values() for one in json.loads(body)["news"]]
        self.assertEqual([1, 2], sorted(told))

    async def all_told(self) -> bool:
        """Whether every delivery was taken."""
        if await self.farm.read(outbox.has_new):
            return False
        every = await self.farm.read(outbox.deliveries, True, 10)
        return bool(every) and not await self.farm.read(outbox.deliveries, False, 10)

    async def test_begun(self) -> None:
        """The try is counted, and nobody was told."""
        await self.kill_at("news.begun")

    async def test_sent(self) -> None:
        """The receiver was told, and the database does not know: it is told again, by that key."""
        await self.kill_at("news.sent")

    async def test_recorded(self) -> None:
        """All is done."""
        await self.kill_at("news.recorded")
        self.assertEqual(2, len(self.hooks.hooks))


def a_builder_failed(store: Any, reason: str, now: datetime) -> Committed[None]:
    """An act: the one builder has failed."""
    outbox.tell(store, now, NewsKind.BUILDER_FAILED, Place(builder_id=1), reason)
    return Committed(None, outbox.ARRIVED)


class DepWaitTests(RestartTestCase):
    """A build waits for what the next one publishes."""

    async def kill_at(self, step: str, times: int) -> None:
        """As many managers are killed at `step`; the next one finishes what they began."""
        succeeding = self.farm.building(0.1)
        lacking = Script(seconds=0.1, outcome=BuildOutcome.DEPFAIL, dependencies="foo (>= 1.0)")
        begun: list[str] = []

        def script(order: Order) -> Script:
            begun.append(order.build_id)
            return lacking if len(begun) == 1 else succeeding(order)

        daemon = self.farm.daemons["bob"] = WatchedDaemon(self.farm, "bob", script)
        await self.farm.add_builder(daemon, "bob")
        waiting = await self.farm.submit_into("main", "waiting")
        await self.farm.submit_into("main", "foo")
        for _ in range(times):
            status = await self.farm.wait_until_ended(self.farm.start_manager(step))
            self.assertEqual(-signal.SIGKILL, status, self.farm.story())
        self.farm.start_manager()
        await self.farm.wait_until_all_built()
        await self.farm.stop_manager()
        told = await self.farm.read(events.events_of_build, waiting, 1000)
        self.assertEqual(1, len([one for one in told if one.actor == "dep-wait"]))
        self.assertEqual(2, len(await self.farm.attempts(waiting)))

    async def test_looked(self) -> None:
        """It is known that all is there, and the build was not tried again."""
        await self.kill_at("depwait.looked", 2)

    async def test_recorded(self) -> None:
        """The build waits for a builder again."""
        await self.kill_at("depwait.recorded", 1)


class CoverageTests(RestartTestCase):
    def test_every_step_has_its_test(self) -> None:
        """A step that is added to the product needs a test here."""
        modules = [
            path
            for path in Path(buildfarm.__path__[0]).rglob("*.py")
            if path.parent.name not in ("farmtesting", "simulation")
        ]
        steps = {step for path in modules for step in _NAME.findall(path.read_text())}
        tested = set(re.findall(r'kill_at\("([^"]+)"[,)]', Path(__file__).read_text()))
        self.assertEqual(steps, tested)
