"""The client, on a clock and without sockets: what it asks, and what it makes of any answer."""

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from buildfarm.builders.client import BuilderClient
from buildfarm.builders.connection import IDLE_TIMEOUT
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.daemonscript import Script
from buildfarm.farmtesting.daemonserver import DaemonServer
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.hostile.builder import HostileDaemon, HostileServer
from buildfarm.farmtesting.hostile.table import BEHAVIOURS
from buildfarm.farmtesting.memory import MemoryEndpoint, daemon_endpoint, inline_workers
from buildfarm.vocab.errors import (
    BuilderError,
    BuilderFault,
    BuilderNonsense,
    BuilderTimedOut,
    BuilderUnreachable,
)
from buildfarm.vocab.settings import ScanningSettings
from buildfarm.vocab.states import DaemonStatus

URL = "http://bob.example.com:8221"
SHA1 = "e76d4410e4fed880f6321e4fb594a148aa905cd4"
ARGS: dict[str, object] = {
    "series": "bookworm",
    "suite": "bookworm",
    "ogrecomponent": "main",
    "distribution": "debian",
    "archives": [],
}
SETTINGS = ScanningSettings(call_timeout=60.0, build_timeout=30.0, connect_timeout=10.0)


class ClientCase(FarmTestCase):
    """A client and a fake daemon, connected in memory."""

    def setUp(self) -> None:
        super().setUp()
        self.daemon = FakeDaemon(self.clock, lambda order: Script(seconds=100.0))
        self.endpoint = daemon_endpoint(self.daemon)
        self.client = self.client_at(self.endpoint)

    def client_at(self, endpoint: MemoryEndpoint) -> BuilderClient:
        client = BuilderClient(self.clock, URL, SETTINGS, inline_workers(), endpoint)
        self.addCleanup(client.close)
        return client

    def first_is_open(self) -> bool:
        """Whether the first connection is there, as the daemon sees it."""
        server: Any = self.endpoint.connections[0]
        return bool(server.open)

    def begin(self, call: Coroutine[Deferred[Any], Any, Any]) -> Deferred[Any]:
        return Deferred.fromCoroutine(call)

    def methods(self) -> list[str]:
        """What the daemon has carried out."""
        return [call.method for call in self.daemon.calls]

    def build(self, cookie: str = "COOKIE-1") -> Coroutine[Deferred[Any], Any, Any]:
        return self.client.build(cookie, SHA1, {"hello.dsc": SHA1}, ARGS)

    def make_ready(self) -> None:
        """Bring the daemon to where a build can be sent."""
        self.successResultOf(self.client.ensure_present(SHA1, "http://files/x", "", "", 5.0))
        self.successResultOf(self.client.fetch_status())


class TestCalls(ClientCase):
    """A builder that behaves."""

    def test_a_build_goes_through_all_its_states(self) -> None:
        """Each call returns what the daemon answered, as a value of its own type."""
        self.make_ready()
        self.assertTrue(self.successResultOf(self.build()).confirms("COOKIE-1"))
        self.assertIs(
            DaemonStatus.BUILDING, self.successResultOf(self.client.fetch_status()).status
        )
        self.assertIs(DaemonStatus.ABORTING, self.successResultOf(self.client.abort()))
        self.clock.advance(1.0)
        self.assertIs(DaemonStatus.WAITING, self.successResultOf(self.client.fetch_status()).status)
        self.assertIs(DaemonStatus.IDLE, self.successResultOf(self.client.clean()))
        self.assertIs(DaemonStatus.IDLE, self.successResultOf(self.client.fetch_status()).status)

    def test_info_and_echo(self) -> None:
        """What the daemon can do, and whether it hears us."""
        self.assertEqual("amd64", self.successResultOf(self.client.fetch_info()).architecture)
        self.assertEqual(["a", 1, None], self.successResultOf(self.client.echo("a", 1, None)))

    def test_one_connection_serves_many_calls(self) -> None:
        """It is kept between them."""
        for _ in range(50):
            self.successResultOf(self.client.fetch_status())
            self.clock.advance(IDLE_TIMEOUT - 1)
        self.assertEqual(1, len(self.endpoint.connections))

    def test_an_unused_connection_is_closed_before_the_daemon_would(self) -> None:
        """At 45 s; the next call makes a new one."""
        self.successResultOf(self.client.fetch_status())
        self.clock.advance(IDLE_TIMEOUT - 0.1)
        self.assertTrue(self.first_is_open())
        self.clock.advance(0.1)
        self.assertFalse(self.first_is_open())
        self.successResultOf(self.client.fetch_status())
        self.assertEqual(2, len(self.endpoint.connections))

    def test_a_status_that_says_the_same_is_not_decoded_again(self) -> None:
        """And one that says something else is."""
        first = self.successResultOf(self.client.fetch_status())
        self.assertIs(first, self.successResultOf(self.client.fetch_status()))
        self.make_ready()
        self.successResultOf(self.build())
        self.assertIs(
            DaemonStatus.BUILDING, self.successResultOf(self.client.fetch_status()).status
        )

    def test_a_fault_is_an_error_with_its_code(self) -> None:
        """`clean` of an idle daemon is one."""
        failure = self.failureResultOf(self.client.clean(), BuilderFault)
        self.assertEqual(8002, failure.value.code)
        self.assertEqual(f"{URL} answered `clean` with fault 8002: error", str(failure.value))

    def test_a_part_of_the_log_can_be_fetched(self) -> None:
        """What has come since the last part; nothing while there is nothing new, or no log."""
        self.assertEqual(b"", self.successResultOf(self.client.fetch_log(0, 100)))
        self.make_ready()
        self.daemon.script = lambda order: Script(seconds=10.0, log=b"0123456789")
        self.successResultOf(self.build())
        self.clock.advance(5.0)
        self.assertEqual(b"234", self.successResultOf(self.client.fetch_log(2, 3)))
        self.assertEqual(b"34", self.successResultOf(self.client.fetch_log(3, 100)))
        self.assertEqual(b"", self.successResultOf(self.client.fetch_log(5, 100)))

    def test_several_ask_for_the_log_at_once(self) -> None:
        """They are answered in turn, over one connection, also after one has given up."""
        self.make_ready()
        self.daemon.script = lambda order: Script(seconds=10.0, log=b"0123456789")
        self.successResultOf(self.build())
        self.clock.advance(5.0)
        self.daemon.hang()
        asking = [Deferred.fromCoroutine(self.client.fetch_log(start, 1)) for start in range(4)]
        asking[1].addErrback(lambda _: b"gone")
        asking[1].cancel()
        self.daemon.wake()
        self.assertEqual([b"0", b"gone", b"2", b"3"], [self.successResultOf(one) for one in asking])


class TestDeadlines(ClientCase):
    """A builder that does not answer in time."""

    def test_a_call_without_an_answer_ends_at_its_deadline(self) -> None:
        """And its connection with it, so that a late answer is nobody's."""
        self.daemon.hang()
        status = self.begin(self.client.fetch_status())
        self.clock.advance(59.9)
        self.assertNoResult(status)
        self.clock.advance(0.1)
        failure = self.failureResultOf(status, BuilderTimedOut)
        self.assertEqual(f"{URL} did not answer `status` within 60 s", str(failure.value))
        self.assertFalse(self.first_is_open())

    def test_build_and_ensurepresent_have_deadlines_of_their_own(self) -> None:
        """A large file takes its time."""
        self.make_ready()
        self.daemon.hang()
        build = self.begin(self.build())
        self.clock.advance(30.0)
        self.failureResultOf(build, BuilderTimedOut)
        present = self.begin(self.client.ensure_present(SHA1, "http://files/x", "", "", 500.0))
        self.clock.advance(499.0)
        self.assertNoResult(present)
        self.clock.advance(1.0)
        self.failureResultOf(present, BuilderTimedOut)

    def test_a_byte_a_second_does_not_move_the_deadline(self) -> None:
        """The whole answer has to be there."""
        daemon = HostileDaemon(self.clock, BEHAVIOURS["byte-a-second"])
        endpoint = MemoryEndpoint(lambda: HostileServer(daemon))
        status = self.begin(self.client_at(endpoint).fetch_status())
        self.clock.pump([1.0] * 59)
        self.assertNoResult(status)
        self.clock.advance(1.0)
        self.failureResultOf(status, BuilderTimedOut)

    def test_connecting_has_a_deadline(self) -> None:
        """Of its own; nothing was sent."""
        self.endpoint.accepting = False
        status = self.begin(self.client.fetch_status())
        self.clock.advance(10.0)
        failure = self.failureResultOf(status, BuilderUnreachable)
        self.assertEqual(
            f"{URL} could not be connected to for `status`: no answer within 10 s",
            str(failure.value),
        )
        self.assertFalse(failure.value.sent)

    def test_a_cancelled_call_closes_its_connection(self) -> None:
        """Its answer must not be taken for the next call's."""
        self.daemon.hang()
        status = self.begin(self.client.fetch_status())
        status.cancel()
        self.failureResultOf(status, CancelledError)
        self.daemon.wake()
        self.successResultOf(self.client.fetch_status())
        self.assertEqual(2, len(self.endpoint.connections))

    def test_closing_the_client_ends_a_call_under_way(self) -> None:
        """With an error as if the builder had gone."""
        self.daemon.hang()
        status = self.begin(self.client.fetch_status())
        self.client.close()
        self.failureResultOf(status, BuilderUnreachable)


class TestNonsense(ClientCase):
    """A builder that answers with something else."""

    def outcome_with(self, behaviour: str) -> BuilderError:
        """How a status ends at a builder that behaves so."""
        daemon = HostileDaemon(self.clock, BEHAVIOURS[behaviour])
        endpoint = MemoryEndpoint(lambda: HostileServer(daemon))
        status = self.begin(self.client_at(endpoint).fetch_status())
        self.clock.pump([0.001] * 500)
        failure = self.failureResultOf(status, BuilderError)
        self.assertIn(URL, str(failure.value))
        self.assertIn("status", str(failure.value))
        self.assertEqual(1, len(endpoint.connections))
        assert isinstance(failure.value, BuilderError)
        return failure.value

    def test_an_answer_that_is_none_is_refused(self) -> None:
        """Too much of it, of another kind, pointing elsewhere, or one more than was asked for."""
        for behaviour in (
            "huge-status",
            "endless-headers",
            "endless-trailers",
            "garbage",
            "redirects-calls",
            "upgrades",
            "entities",
            "nonsense-status",
            "extra-replies",
        ):
            self.assertIsInstance(self.outcome_with(behaviour), BuilderNonsense, behaviour)

    def test_half_an_answer_is_a_lost_connection(self) -> None:
        """Also where nothing tells how long the whole would have been."""
        for behaviour in ("cut-at-every-byte", "no-length"):
            self.assertIsInstance(self.outcome_with(behaviour), BuilderUnreachable, behaviour)

    def test_words_that_nobody_asked_for_close_the_connection(self) -> None:
        """They answer no later call, and harm none."""
        self.successResultOf(self.client.fetch_status())
        server: Any = self.endpoint.connections[0]
        server.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self.assertFalse(server.open)
        self.successResultOf(self.client.fetch_status())
        self.assertEqual(2, len(self.endpoint.connections))

    def test_a_daemon_that_closes_after_each_answer_is_served(self) -> None:
        """With a connection for each call."""

        class Closing(DaemonServer):
            def _send(self, status: int, body: bytes, kind: str = "", extra: str = "") -> None:
                super()._send(status, body, kind, "Connection: close\r\n")
                self.transport.loseConnection()

        endpoint = MemoryEndpoint(lambda: Closing(self.daemon))
        client = self.client_at(endpoint)
        for _ in range(3):
            self.successResultOf(client.fetch_status())
        self.assertEqual(3, len(endpoint.connections))


class Forgetful(DaemonServer):
    """A daemon that closed a kept connection just before the next request came."""

    requests = 0

    def dataReceived(self, data: bytes) -> None:
        self.requests += 1
        if self.requests > 1:
            self.transport.abortConnection()
        else:
            super().dataReceived(data)


class TestRepeating(ClientCase):
    """A kept connection that turns out to have been closed."""

    def setUp(self) -> None:
        super().setUp()
        self.endpoint = MemoryEndpoint(lambda: Forgetful(self.daemon))
        self.client = self.client_at(self.endpoint)
        self.make_ready_once()

    def make_ready_once(self) -> None:
        """One call, after which the connection is kept, and is closed at the next."""
        self.successResultOf(self.client.fetch_status())

    def test_a_call_that_only_looks_is_repeated_on_a_new_connection(self) -> None:
        """Nobody notices."""
        for call in (
            self.client.fetch_status,
            self.client.fetch_info,
            lambda: self.client.echo(1),
            lambda: self.client.ensure_present(SHA1, "http://files/x", "", "", 5.0),
        ):
            before = len(self.endpoint.connections)
            self.successResultOf(call())
            self.assertEqual(before + 1, len(self.endpoint.connections))

    def test_it_is_repeated_once(self) -> None:
        """A builder that closes every connection is not asked for ever."""

        class Closing(Forgetful):
            def dataReceived(self, data: bytes) -> None:
                self.transport.abortConnection()

        first = True

        def server() -> DaemonServer:
            nonlocal first
            kind, first = (Forgetful if first else Closing), False
            return kind(self.daemon)

        endpoint = MemoryEndpoint(server)
        client = self.client_at(endpoint)
        self.successResultOf(client.fetch_status())
        self.failureResultOf(client.fetch_status(), BuilderUnreachable)
        self.assertEqual(2, len(endpoint.connections))

    def test_abort_and_clean_are_not_repeated(self) -> None:
        """They might have been carried out."""
        for call in (self.client.abort, self.client.clean):
            self.successResultOf(self.client.fetch_status())
            before = len(self.endpoint.connections)
            failure = self.failureResultOf(call(), BuilderUnreachable)
            self.assertTrue(failure.value.sent)
            self.assertEqual(before, len(self.endpoint.connections))

    def test_build_is_not_repeated(self) -> None:
        """What became of it is not known, and the error says so."""
        failure = self.failureResultOf(self.build(), BuilderUnreachable)
        self.assertTrue(failure.value.sent)
        self.assertNotIn("build", self.methods())
        self.assertEqual(1, len(self.endpoint.connections))


class TestBuild(ClientCase):
    """`build` is sent at most once, on the connection of the `status` before it."""

    def test_it_goes_on_the_same_connection(self) -> None:
        """The one that has just answered."""
        self.make_ready()
        self.successResultOf(self.build())
        self.assertEqual(1, len(self.endpoint.connections))

    def test_it_is_not_sent_where_that_connection_was_closed(self) -> None:
        """And the error says that it was not."""
        self.make_ready()
        self.endpoint.disconnect()
        failure = self.failureResultOf(self.build(), BuilderUnreachable)
        self.assertFalse(failure.value.sent)
        self.assertNotIn("build", self.methods())
        self.assertEqual(
            f"{URL} closed the connection before `build` was sent on it", str(failure.value)
        )

    def test_it_is_not_sent_before_any_status(self) -> None:
        """It never opens a connection."""
        self.assertFalse(self.failureResultOf(self.build(), BuilderUnreachable).value.sent)
        self.assertEqual([], self.endpoint.connections)

    def test_a_lost_answer_leaves_open_whether_it_builds(self) -> None:
        """The error says that it was sent."""
        self.make_ready()
        self.daemon.lose_reply_to.add("build")
        failure = self.failureResultOf(self.build(), BuilderUnreachable)
        self.assertTrue(failure.value.sent)
        self.assertEqual(1, self.methods().count("build"))

    def test_arguments_that_cannot_be_sent_are_our_own_fault(self) -> None:
        """Nothing is sent, and the builder is not held to blame."""
        self.make_ready()
        wrong: dict[str, object] = {"series": object()}
        self.failureResultOf(self.client.build("C", SHA1, {}, wrong), ValueError)
        self.assertNotIn("build", self.methods())

    def test_an_unreachable_builder_was_sent_nothing(self) -> None:
        """Whatever the call."""
        self.daemon.unreachable = True
        failure = self.failureResultOf(self.client.abort(), BuilderUnreachable)
        self.assertFalse(failure.value.sent)
        self.assertEqual([], self.methods())
