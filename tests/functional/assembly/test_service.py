"""The manager as a whole: how it starts, is refused, listens, reads its settings again, stops."""

import io
import os
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.assembly.service import FarmService
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.farm import QUICK, Farm, built_in
from buildfarm.filestore.store import FileStore
from buildfarm.flow.threads import Workers
from buildfarm.storage import epochs
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.settings import ManagerSettings, ResetSettings, Settings
from buildfarm.vocab.states import AttemptState, BuildState, CleanStatus
from tests.functional.filestore.listeners import fetch


class NotingReactor:
    """The reactor, which notes on which ports it listens."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.ports: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenTCP(self, *args: Any, **kwargs: Any) -> Any:
        """Listen, and note the port."""
        port = self._reactor.listenTCP(*args, **kwargs)
        self.ports.append(port.getHost().port)
        return port


class StartTests(FarmTestCase):
    async def refusal(self, settings: Settings) -> str:
        """Why a manager with these settings does not start."""
        service = FarmService(self.reactor, settings)
        service.startService()
        self.addCleanup(service.stopService)
        reason = "it started"
        try:
            await service.when_running()
        except Refused as error:
            reason = str(error)
        return reason

    async def test_a_second_manager_is_refused(self) -> None:
        """The sentence names the place and the process that works there; the first goes on."""
        farm = await Farm.make(self)
        await farm.start()
        reason = await self.refusal(farm.settings)
        self.assertIn(str(farm.settings.manager.state_dir), reason)
        self.assertIn(str(os.getpid()), reason)
        await farm.add_builder(farm.daemon(built_in(0.05)))
        await farm.wait_until_built([await farm.submit()])

    async def test_a_missing_database_is_refused(self) -> None:
        """Nothing is made up: the sentence says how to make one."""
        state_dir = self.make_directory() / "state"
        reason = await self.refusal(Settings(manager=ManagerSettings(state_dir=state_dir)))
        self.assertIn("init", reason)
        self.assertEqual([], list(state_dir.glob("*.db")))

    async def test_an_address_that_cannot_be_is_refused(self) -> None:
        """A path that no socket can have, and a socket of systemd's that it did not hand on."""
        for address in ("unix:/proc/none", "systemd:domain=INET:index=7"):
            farm = await Farm.make(self)
            settings = replace(farm.settings, web=replace(farm.settings.web, listen=address))
            self.assertIn(f"Nothing can listen at {address}: ", await self.refusal(settings))

    async def test_an_address_that_is_taken_is_refused(self) -> None:
        """What was started before it is stopped again."""
        farm = await Farm.make(self)
        noting = NotingReactor(self.reactor)
        first = FarmService(noting, farm.settings)
        first.startService()
        await first.when_running()
        self.addCleanup(first.stopService)
        other = await Farm.make(self)
        listen = f"tcp:{noting.ports[0]}:interface=127.0.0.1"
        files = replace(other.settings.files, listen=listen)
        self.assertIn(listen, await self.refusal(replace(other.settings, files=files)))

    async def test_a_new_start_is_a_new_epoch(self) -> None:
        """What an earlier manager would still write is refused from then on."""
        farm = await Farm.make(self)
        await farm.start()
        before = await farm.read(epochs.current_epoch)
        await farm.stop()
        await farm.start()
        self.assertEqual(before.number + 1, (await farm.read(epochs.current_epoch)).number)


class ListenerTests(FarmTestCase):
    async def setUp(self) -> None:
        super().setUp()
        self.clients = Workers(self.reactor, size=1, bound=10, name="client")
        self.addCleanup(lambda: Deferred.fromCoroutine(self.clients.stop(10)))
        self.farm = await Farm.make(self)
        noting = NotingReactor(self.reactor)
        self.service = FarmService(noting, self.farm.settings)
        self.service.startService()
        self.addCleanup(self.service.stopService)
        await self.service.when_running()
        self.files, self.web = noting.ports

    async def test_builders_get_files(self) -> None:
        """By digest, from the file store, those that a build needs which runs now."""
        content = io.BytesIO(b"hello_1.0")  # what `Farm.submit` says the source is
        stored = FileStore(self.farm.settings.store_dir).add(content, max_bytes=100)
        path = f"/{stored.sha256}/hello_1.0.dsc"
        answer = await self.clients.run(fetch, self.files, path, "GET", {})
        self.assertEqual(401, answer.status)
        self.farm.service = self.service
        daemon = self.farm.daemon(built_in(60))
        await self.farm.add_builder(daemon)
        await self.farm.submit()
        await self.wait_until(lambda: daemon.orders, what="the build to begin")
        answer = await self.clients.run(fetch, self.files, path, "GET", {})
        self.assertEqual((200, b"hello_1.0"), (answer.status, answer.body))
        for other in (f"/{'0' * 64}/x", "/archive/main/"):
            answer = await self.clients.run(fetch, self.files, other, "GET", {})
            self.assertEqual(401, answer.status)

    async def test_people_get_published_archives(self) -> None:
        """Under the archive's name, once it exists; the status page leads to a list of them."""
        answer = await self.clients.run(fetch, self.web, "/", "GET", {})
        self.assertEqual(200, answer.status)
        self.assertIn(b'href="/archive/"', answer.body)
        answer = await self.clients.run(fetch, self.web, "/archive/", "GET", {})
        self.assertEqual(200, answer.status)
        for path in ("/archive/nothing/dists/", "/etc/passwd"):
            answer = await self.clients.run(fetch, self.web, path, "GET", {})
            self.assertEqual(404, answer.status)


class ReloadTests(FarmTestCase):
    async def test_changed_settings_hold_from_then_on(self) -> None:
        """A reset command that was missing is used once the settings name it."""
        farm = await Farm.make(self, scanning=replace(QUICK, idle_interval=0.5))
        await farm.start()
        await farm.add_virtual_builder(farm.daemon())

        async def failed() -> bool:
            return (await farm.builder("vm1")).failure_count > 0

        await self.wait_until(failed, what="the reset without a command to fail")
        assert farm.service is not None
        farm.service.reload(replace(farm.settings, resets=ResetSettings(command=("true",))))

        async def clean() -> bool:
            return (await farm.builder("vm1")).clean_status is CleanStatus.CLEAN

        await self.wait_until(clean, what="vm1 to be reset")


class StopTests(FarmTestCase):
    async def test_it_stops_in_time_whatever_hangs(self) -> None:
        """A builder that answers nothing and a running build: both are left as they are."""
        farm = await Farm.make(self)
        await farm.start()
        hung, busy = farm.daemon(), farm.daemon(built_in(60))
        await farm.add_builder(busy, "busy")
        build_id = await farm.submit()
        await self.wait_until(lambda: busy.orders, what="the build to begin")
        hung.hang()
        self.addCleanup(hung.wake)
        await farm.add_builder(hung, "hung")
        stopped = Deferred.fromCoroutine(farm.stop())
        await self.wait_until(lambda: stopped.called, deadline=10.0, what="the manager to stop")
        self.assertEqual(BuildState.BUILDING, (await farm.build(build_id)).state)
        [attempt] = await farm.attempts(build_id)
        self.assertIs(AttemptState.CONFIRMED, attempt.state)

    async def test_a_stop_during_the_start(self) -> None:
        """What was started by then is stopped; the place is free for the next."""
        farm = await Farm.make(self)
        service = FarmService(self.reactor, farm.settings)
        service.startService()
        running = service.when_running()
        running.addErrback(lambda failure: None)
        await service.stopService()
        await farm.start()
