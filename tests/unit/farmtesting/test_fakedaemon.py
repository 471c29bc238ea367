"""The fake daemon goes wrong as the genuine one was seen to; the contract holds the rest."""

import hashlib
from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.daemonscript import FetchFailed, Order, Script
from buildfarm.farmtesting.daemonserver import DaemonServer
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.memory import fake_client
from buildfarm.vocab.errors import (
    BuilderFault,
    BuilderNonsense,
    BuilderTimedOut,
    BuilderUnreachable,
)
from buildfarm.vocab.observation import BuildReply, Observation
from buildfarm.vocab.settings import ScanningSettings
from buildfarm.vocab.states import BuildOutcome, DaemonStatus

INPUT = b"an input"
SHA1 = hashlib.sha1(INPUT).hexdigest()
ARGS: dict[str, object] = {
    "series": "bookworm",
    "suite": "bookworm",
    "ogrecomponent": "main",
    "distribution": "debian",
    "archives": [],
}


class FakeDaemonCase(FarmTestCase):
    """A fake daemon, and the real client."""

    def setUp(self) -> None:
        super().setUp()
        self.script = Script(seconds=10.0, log=b"0123456789" * 1000, results={"a.deb": b"a"})
        self.daemon = FakeDaemon(self.clock, lambda order: self.script)
        self.settings = ScanningSettings(call_timeout=2.0, build_timeout=2.0)
        self.client = fake_client(self.clock, self.daemon, self.settings)
        self.addCleanup(self.client.close)

    def begin(self, call: Coroutine[Deferred[Any], Any, Any]) -> Deferred[Any]:
        return Deferred.fromCoroutine(call)

    def fetch(self, sha1: str = SHA1, deadline: float = 100.0) -> Deferred[Any]:
        return self.begin(self.client.ensure_present(sha1, "http://files/x", "", "", deadline))

    def status(self) -> Observation:
        observation: Observation = self.successResultOf(self.client.fetch_status())
        return observation

    def build(self, cookie: str = "COOKIE-1", **changed: object) -> Deferred[BuildReply]:
        args = {name: value for name, value in {**ARGS, **changed}.items() if value is not None}
        return self.begin(self.client.build(cookie, SHA1, {"x.dsc": SHA1}, args))

    def start(self, cookie: str = "COOKIE-1") -> None:
        """Have the daemon build."""
        self.successResultOf(self.fetch())
        self.status()
        self.assertTrue(self.successResultOf(self.build(cookie)).confirms(cookie))


class TestTime(FakeDaemonCase):
    """What happens by itself."""

    def test_a_build_ends_when_its_script_says(self) -> None:
        """Its log grows meanwhile."""
        self.start()
        self.clock.advance(5.0)
        said = self.status()
        self.assertEqual((DaemonStatus.BUILDING, "COOKIE-1"), (said.status, said.build_id))
        self.assertEqual(5000, len(self.successResultOf(self.client.fetch_log(0, 9999))))
        self.clock.advance(5.0)
        said = self.status()
        self.assertEqual((DaemonStatus.WAITING, BuildOutcome.OK), (said.status, said.outcome))
        self.assertEqual({"a.deb": hashlib.sha1(b"a").hexdigest()}, said.filemap)

    def test_nothing_happens_while_nobody_asks(self) -> None:
        """A thousand daemons need no timers."""
        self.start()
        self.client.close()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_failed_build_has_no_files(self) -> None:
        """And what it lacks is told."""
        self.script = Script(
            BuildOutcome.DEPFAIL, 1.0, results={"a.deb": b"a"}, dependencies="libfoo-dev"
        )
        self.start()
        self.clock.advance(1.0)
        said = self.status()
        self.assertEqual(({}, "libfoo-dev"), (said.filemap, said.dependencies))


class TestBlocking(FakeDaemonCase):
    """`ensurepresent` blocks the whole daemon."""

    def test_status_is_not_answered_during_a_download(self) -> None:
        """It is answered after it."""
        self.daemon.download_seconds = 1.5
        present = self.fetch()
        other = fake_client(self.clock, self.daemon, self.settings)
        self.addCleanup(other.close)
        status = self.begin(other.fetch_status())
        self.clock.advance(1.4)
        self.assertNoResult(present)
        self.assertNoResult(status)
        self.clock.advance(0.1)
        self.assertTrue(self.successResultOf(present).present)
        self.assertIs(DaemonStatus.IDLE, self.successResultOf(status).status)

    def test_a_build_whose_client_gave_up_starts_later(self) -> None:
        """IDLE is answered just before it does; a second build then lends it a false name."""
        self.successResultOf(self.fetch())
        self.status()
        self.daemon.download_seconds = 8.0
        blocker = fake_client(self.clock, self.daemon, self.settings)
        self.addCleanup(blocker.close)
        blocked = self.begin(blocker.ensure_present("f" * 40, "http://files/y", "", "", 1.0))
        build = self.build("ABANDONED")
        self.clock.advance(1.0)
        self.failureResultOf(blocked, BuilderTimedOut)
        self.clock.advance(1.0)
        self.assertTrue(self.failureResultOf(build, BuilderTimedOut).value.sent)
        self.assertEqual([], self.daemon.orders)
        self.clock.advance(6.0)
        self.assertEqual(["ABANDONED"], [order.build_id for order in self.daemon.orders])
        self.status()
        self.failureResultOf(self.build("SECOND"), BuilderFault)
        said = self.status()
        self.assertEqual((DaemonStatus.BUILDING, "SECOND"), (said.status, said.build_id))

    def test_a_daemon_that_hangs_goes_on_where_it_was(self) -> None:
        """With what it was asked meanwhile."""
        self.start()
        self.daemon.hang()
        abort = self.begin(self.client.abort())
        self.clock.advance(2.0)
        self.failureResultOf(abort, BuilderTimedOut)
        self.daemon.wake()
        self.assertIs(DaemonStatus.ABORTING, self.status().status)


class TestWedging(FakeDaemonCase):
    """A `build` that faults can leave the daemon of no use until it is restarted."""

    def assert_wedged(self) -> None:
        self.assertIs(DaemonStatus.BUILDING, self.status().status)
        self.clock.advance(100_000.0)
        self.assertIs(DaemonStatus.BUILDING, self.status().status)
        self.assertIs(DaemonStatus.ABORTING, self.successResultOf(self.client.abort()))
        self.clock.advance(100_000.0)
        self.assertIs(DaemonStatus.ABORTING, self.status().status)
        self.failureResultOf(self.client.clean(), BuilderFault)

    def test_by_a_missing_argument(self) -> None:
        """`series`, for one."""
        self.successResultOf(self.fetch())
        self.status()
        self.failureResultOf(self.build(series=None), BuilderFault)
        self.assert_wedged()

    def test_by_an_id_that_was_used_before(self) -> None:
        """Its directory is still there."""
        self.start()
        self.clock.advance(10.0)
        self.successResultOf(self.client.clean())
        self.status()
        self.failureResultOf(self.build(), BuilderFault)
        self.assert_wedged()

    def test_a_restart_or_a_reset_helps(self) -> None:
        """Of the cached files only a reset leaves nothing."""
        self.start()
        self.daemon.restart()
        self.assertIs(DaemonStatus.IDLE, self.status().status)
        self.daemon.download_seconds = 1.0
        self.assertEqual("Cache", self.successResultOf(self.fetch()).text)
        self.daemon.reset()
        present = self.fetch()
        self.clock.advance(1.0)
        self.assertEqual("Download", self.successResultOf(present).text)


class TestAbort(FakeDaemonCase):
    """`abort` takes its time."""

    def test_it_can_have_no_effect_while_the_build_runs(self) -> None:
        """Then it counts when the build ends by itself."""
        self.script = Script(seconds=1200.0, abort_seconds=None)
        self.start()
        self.successResultOf(self.client.abort())
        self.clock.advance(1199.0)
        self.assertIs(DaemonStatus.ABORTING, self.status().status)
        self.clock.advance(1.0)
        said = self.status()
        self.assertEqual((DaemonStatus.WAITING, BuildOutcome.ABORTED), (said.status, said.outcome))
        self.assertEqual({}, said.filemap)


class TestInputs(FakeDaemonCase):
    """What the daemon fetches."""

    def test_a_fetch_is_checked_against_its_digest(self) -> None:
        """And its failures are told in the daemon's words."""

        async def fetch(url: str, user: str, password: str) -> bytes:
            if user != "buildd":
                raise FetchFailed("HTTP Error 401: Unauthorized")
            return INPUT

        self.daemon.fetch = fetch
        for sha1, user, text in [
            (SHA1, "", "Error accessing Librarian: HTTP Error 401: Unauthorized"),
            ("f" * 40, "buildd", "Digests did not match, removing again!"),
            (SHA1, "buildd", "Download"),
            (SHA1, "", "Cache"),
        ]:
            reply = self.successResultOf(
                self.client.ensure_present(sha1, "http://files/x", user, "", 5.0)
            )
            self.assertEqual(text, reply.text)

    def test_a_build_gets_what_was_fetched(self) -> None:
        """The script sees the contents, and decides by them."""
        orders: list[Order] = []

        async def fetch(url: str, user: str, password: str) -> bytes:
            return INPUT

        def script(order: Order) -> Script:
            orders.append(order)
            return Script()

        self.daemon.fetch, self.daemon.script = fetch, script
        self.start()
        self.assertEqual({"x.dsc": INPUT}, orders[0].files)

    def test_clean_deletes_an_input_that_equals_a_result(self) -> None:
        """As the genuine one does."""
        self.script = Script(seconds=1.0, results={"copy": b""})
        empty = hashlib.sha1(b"").hexdigest()
        self.successResultOf(self.fetch(empty))
        self.start()
        self.clock.advance(1.0)
        self.status()
        self.successResultOf(self.client.clean())
        self.daemon.fetch = None
        self.assertEqual("Download", self.successResultOf(self.fetch(empty)).text)


class TestFaultsOfTests(FakeDaemonCase):
    """What a test can have the daemon do."""

    def test_it_can_lose_an_answer(self) -> None:
        """What was asked is done."""
        self.start()
        self.daemon.lose_reply_to.add("abort")
        self.failureResultOf(self.client.abort(), BuilderUnreachable)
        self.assertIs(DaemonStatus.ABORTING, self.status().status)

    def test_it_can_lie(self) -> None:
        """In place of doing what it was asked."""
        self.daemon.lies["status"] = {"builder_status": "BuilderStatus.HAPPY"}
        self.failureResultOf(self.client.fetch_status(), BuilderNonsense)
        del self.daemon.lies["status"]
        self.assertIs(DaemonStatus.IDLE, self.status().status)

    def test_it_can_be_unreachable(self) -> None:
        """New connections are refused."""
        self.daemon.unreachable = True
        self.failureResultOf(self.client.fetch_status(), BuilderUnreachable)


class TestItsServer(FarmTestCase):
    """What `daemonserver` makes of bytes."""

    def test_a_request_may_come_in_any_pieces(self) -> None:
        """Also cut within its path."""
        daemon = FakeDaemon(self.clock)
        daemon._cache["a" * 40] = b"a file"
        request = b"GET /filecache/%b HTTP/1.1\r\nHost: bob\r\n\r\n" % (b"a" * 40)
        for at in range(1, len(request)):
            server, transport = DaemonServer(daemon), StringTransport()
            server.makeConnection(transport)
            server.dataReceived(request[:at])
            server.dataReceived(request[at:])
            self.assertTrue(transport.value().endswith(b"\r\n\r\na file"), request[:at])
