"""Build logs over HTTP: whole, in ranges, in parts, and as they grow."""

import json
from collections.abc import Callable
from http.client import HTTPConnection

from fixtures import MonkeyPatch
from twisted.internet.defer import Deferred, gatherResults

from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.functional.filestore.listeners import ask_and_wait, take_all
from tests.functional.statuspage.farmcases import FarmPagesTestCase

LOG = b"".join(b"line %05d \x1b[32mof the log\x1b[0m\n" % number for number in range(4000))

#: One event: its name, its data and its id.
Event = tuple[str, str, str]


def logging(seconds: float, log: bytes = LOG) -> Callable[[Order], Script]:
    """Builds that fail after so long, and write this log meanwhile."""
    return lambda order: Script(seconds=seconds, log=log, outcome=BuildOutcome.PACKAGEFAIL)


def follow(port: int, path: str, last: str, headers: dict[str, str]) -> list[Event]:
    """Every event up to the first one of the name `last`; in a thread."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        events: list[Event] = []
        fields: dict[str, str] = {}
        while line := response.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value
            if line == "\n" and "event" in fields:
                events.append((fields["event"], fields["data"], fields.get("id", "")))
                if fields["event"] == last:
                    break
                fields = {}
        return events
    finally:
        connection.close()


class LogTests(FarmPagesTestCase):
    def daemon(self, seconds: float, log: bytes = LOG) -> FakeDaemon:
        """A builder whose builds fail after so long."""
        return self.farm.daemon(logging(seconds, log))

    async def failed(self, archive: str = "main", log: bytes = LOG) -> int:
        """A build that has written this log, and failed."""
        await self.farm.add_builder(self.daemon(0.2, log))
        build_id = await self.farm.submit(archive=archive)
        await self.farm.wait_for_build(build_id, BuildState.FAILEDTOBUILD)
        return build_id

    async def test_whole_and_in_ranges(self) -> None:
        """The stored log is text that any client can read, or continue to read."""
        path = f"/builds/{await self.failed()}/log"
        whole = await self.look(path)
        self.assertEqual((200, LOG), (whole.status, whole.body))
        self.assertEqual("text/plain; charset=utf-8", whole.headers["content-type"])
        self.assertEqual("nosniff", whole.headers["x-content-type-options"])
        part = await self.look(path, range="bytes=100-199")
        self.assertEqual((206, LOG[100:200]), (part.status, part.body))
        self.assertEqual(f"bytes 100-199/{len(LOG)}", part.headers["content-range"])
        beyond = await self.look(path, range=f"bytes={len(LOG)}-")
        self.assertEqual(416, beyond.status)
        same = await self.look(path, if_none_match=whole.headers["etag"])
        self.assertEqual(304, same.status)

    async def test_parts(self) -> None:
        """Scripts get lines with their colours from any place of it."""
        path = f"/builds/{await self.failed()}/log/part"
        part = json.loads((await self.look(f"{path}?before={len(LOG)}")).body)
        self.assertEqual([["", "line 03999 "], ["f2", "of the log"]], part["lines"][-1])
        first = json.loads((await self.look(f"{path}?from=0")).body)
        self.assertEqual(
            ([["", "line 00000 "], ["f2", "of the log"]], 0, len(LOG)),
            (first["lines"][0], first["start"], first["size"]),
        )
        for nonsense in ("before=x", "from=-1", "from=" + "9" * 20):
            self.assertEqual(400, (await self.look(f"{path}?{nonsense}")).status)

    async def test_of_a_running_build(self) -> None:
        """What the builder has written by now, without secrets; more of it when asked again."""
        log = b"fetch https://user:hunter2@example.org/\n" + LOG
        await self.farm.add_builder(self.daemon(30.0, log))
        build_id = await self.farm.submit()
        await self.farm.wait_for_build(build_id, BuildState.BUILDING)

        async def begun() -> bytes:
            return (await self.look(f"/builds/{build_id}/log")).body

        first = await self.wait_until(begun)
        self.assertEqual(b"fetch https://************@example.org/\n", first.splitlines(True)[0])

        async def more() -> bytes:
            answer = await self.look(f"/builds/{build_id}/log", range=f"bytes={len(first)}-")
            return answer.body if answer.status == 206 else b""

        added = await self.wait_until(more)
        self.assertTrue(log[len(first) :].startswith(added))

    async def test_as_it_grows(self) -> None:
        """Who follows gets each line once, over the end of the build into the stored log."""
        await self.farm.add_builder(self.daemon(2.0))
        build_id = await self.farm.submit()
        path = f"/builds/{build_id}/log/events?from=0&attempt=0&state=NEEDSBUILD"
        events = await self.clients.run(follow, self.farm.web_port, path, "end", {})
        self.assertEqual(("end", "FAILEDTOBUILD"), events[-1][:2])
        self.assertIn("FAILEDTOBUILD", [data for name, data, _ in events if name == "build"])
        parts = [json.loads(data) for name, data, _ in events if name == "log"]
        self.assertEqual(["1"], [data for name, data, _ in events if name == "restart"])
        self.assertEqual(
            [0, *(part["end"] for part in parts)], [*(part["start"] for part in parts), len(LOG)]
        )
        self.assertEqual(4000, sum(len(part["lines"]) for part in parts))
        head = await self.look(path, method="HEAD")
        self.assertEqual((200, b""), (head.status, head.body))
        again = await self.clients.run(
            follow, self.farm.web_port, path, "end", {"Last-Event-ID": f"1:{parts[-1]['start']}"}
        )
        told = [json.loads(data)["start"] for name, data, _ in again if name == "log"]
        self.assertEqual([parts[-1]["start"]], told[:1])

    async def test_two_hundred_cost_the_builder_one(self) -> None:
        """However many follow a log, its builder is asked for each byte once."""
        daemon = self.daemon(3.0)
        asked: list[int] = []
        fetch = daemon.file

        async def counting(name: str) -> bytes | None:
            asked.append(1)
            return await fetch(name)

        daemon.file = counting  # type: ignore[method-assign]
        await self.farm.add_builder(daemon)
        build_id = await self.farm.submit()
        await self.farm.wait_for_build(build_id, BuildState.BUILDING)
        path = f"/builds/{build_id}/log/events?from=0&attempt=1&state=BUILDING"
        port = self.farm.web_port
        watching = [await self.clients.run(ask_and_wait, port, path) for _ in range(200)]
        told = await gatherResults(
            [Deferred.fromCoroutine(self.clients.run(take_all, viewer)) for viewer in watching]
        )
        for events in told:
            self.assertTrue(b"line 03999" in events and b"event: end" in events)
        # Twice a second for three seconds, and once to gather it.
        self.assertTrue(len(asked) <= 12, asked)

    async def test_viewers_who_leave(self) -> None:
        """Whoever leaves makes room for others at once, while the build goes on."""
        self.useFixture(MonkeyPatch("buildfarm.statuspage.shares.share_of", lambda count: 1))
        await self.farm.add_builder(self.daemon(600.0))
        build_id = await self.farm.submit()
        await self.farm.wait_for_build(build_id, BuildState.BUILDING)
        path = f"/builds/{build_id}/log/events?from=0&attempt=1&state=BUILDING"
        port = self.farm.web_port
        events = await self.clients.run(follow, port, path, "log", {})
        self.assertEqual("log", events[-1][0])

        async def has_room() -> bool:
            return (await self.look(path, method="HEAD")).status == 200

        await self.wait_until(has_room, 5.0)

    async def test_of_private_builds(self) -> None:
        """Only who may see the archive: by a token, by nothing else; to others there is none."""
        build_id = await self.failed("secret")
        for path in ("", "/log", "/log/part", "/log/events", "/files/a.deb"):
            answer = await self.look(f"/builds/{build_id}{path}")
            other = await self.look(
                f"/builds/{build_id}{path}", authorization=await self.authorization("bert")
            )
            self.assertEqual((404, 404), (answer.status, other.status), path)
            self.assertNotIn(b"hello", answer.body + other.body)
        rita = await self.authorization("rita")
        seen = await self.look(f"/builds/{build_id}/log", authorization=rita)
        self.assertEqual((200, LOG), (seen.status, seen.body))

    async def test_where_there_is_none(self) -> None:
        """A build that waits has no log, and what is no build has none either."""
        build_id = await self.farm.submit()
        for path in (f"/builds/{build_id}/log", "/builds/99/log", "/builds/x/log/part"):
            self.assertEqual(404, (await self.look(path)).status, path)
