"""Jobs in forked children, with the real fork server."""

import contextlib
import os
import signal
import struct
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import fixtures
from twisted.internet.defer import Deferred, gatherResults

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.procfs import open_descriptors, state_of
from buildfarm.flow.forks import Child, ForkServer
from buildfarm.flow.lockfiles import holder, try_hold
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import (
    ChildError,
    ChildTimedOut,
    ConversationEnded,
    Stopped,
)

SOON = 20.0


def children_of(pid: int) -> list[int]:
    """The process ids of the children of `pid`, dead ones included."""
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


class ForkTestCase(FarmTestCase):
    """A fork server that knows the functions of `forkjobs`."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable("PYTHONPATH", str(Path(__file__).parent)))
        self.forks = ForkServer(("forkjobs", "colorsys"))
        self.addCleanup(self.forks.stop)

    def start(self, name: str, argument: Any = None, **options: Any) -> Child:
        child = self.forks.start(f"forkjobs:{name}", argument, **options)
        self.addCleanup(child.abandon)
        self.addCleanup(child.kill)
        return child

    def server_pid(self) -> int:
        """The fork server's process id; a child has been started before."""
        assert self.forks._server is not None
        return self.forks._server._process.pid


class ConversationTests(ForkTestCase):
    """What a child and its manager can say to each other."""

    def test_both_ways(self) -> None:
        """Values go to the child and come back until the manager ends the conversation."""
        child = self.start("echo", {"number": 1, "list": [None, 1.5, "ä"]})
        self.assertEqual({"number": 1, "list": [None, 1.5, "ä"]}, child.receive(SOON))
        child.send("x" * 200_000)
        self.assertEqual("x" * 200_000, child.receive(SOON))
        child.close()

    def test_argument_is_any_value(self) -> None:
        """The argument may be anything that can be pickled."""
        child = self.start("repeat", Path("/some/where"))
        self.assertEqual("/some/where", child.receive(SOON))
        self.assertEqual(0, child.wait(SOON))

    def test_after_the_end(self) -> None:
        """Who listens to a child that has ended is told so, after what it said before."""
        child = self.start("repeat", "last words")
        self.assertEqual(0, child.wait(SOON))
        self.assertEqual("last words", child.receive(SOON))
        self.assertRaises(ConversationEnded, child.receive, SOON)
        self.assertRaises(ConversationEnded, child.send, "hello?")

    def test_exception(self) -> None:
        """A function's exception comes as one sentence, with its traceback beside."""
        child = self.start("fail", "no such\x1b[2J thing")
        error = self.assertRaises(ChildError, child.receive, SOON)
        self.assertIn("KeyError: 'no such\\x1b[2J thing'", str(error))
        self.assertIn("in fail", error.details)
        self.assertEqual(1, child.wait(SOON))

    def test_silent_child(self) -> None:
        """A child that says nothing is waited for as long as wanted, and is still there then."""
        child = self.start("hang")
        self.assertEqual("hanging", child.receive(SOON))
        self.assertRaises(ChildTimedOut, child.receive, 0.05)
        self.assertRaises(ChildTimedOut, child.wait, 0.05)

    def test_silent_end(self) -> None:
        """A child that ends without a word is told by its exit code."""
        child = self.start("exit_at_once", 7)
        self.assertRaises(ConversationEnded, child.receive, SOON)
        self.assertEqual(7, child.wait(SOON))

    def test_nonsense(self) -> None:
        """Whatever a hostile child writes, its manager gets a ChildError and no more."""

        def framed(payload: bytes) -> bytes:
            return struct.pack(">I", len(payload)) + payload

        for lie in (
            struct.pack(">I", 0xFFFFFFFF),
            framed(b"\xff\xfe"),
            framed(b"[" * 100_000),
            framed(b"[1]"),
            framed(b'{"ready": true}'),
            framed(b'{"begun": 1}'),
            framed(b'{"value": 1, "more": 2}'),
            framed(b'{"failed": 1, "details": 2}'),
            framed(b'{"failed": "\\u001b[2J", "details": ""}'),
            framed(b"cos\nsystem\n(S'true'\ntR."),
        ):
            with self.start("lie", lie) as child:
                error = self.assertRaises(ChildError, child.receive, SOON)
                self.assertNotIn("\x1b", str(error))

    def test_half_a_message(self) -> None:
        """A message that does not get complete is not waited for beyond the deadline."""
        child = self.start("lie", struct.pack(">I", 100) + b'{"value"')
        self.assertRaises(ChildTimedOut, child.receive, 0.1)


class SurroundingsTests(ForkTestCase):
    """Where a child finds itself."""

    def test_alone(self) -> None:
        """A child has a session of its own, its modules, its conversation, and nothing else.

        It never dumps core: the file would be as large as what made it fail.
        """
        seen = self.start("surroundings").receive(SOON)
        self.assertEqual(seen["pid"], seen["session"])
        self.assertTrue(seen["preloaded"])
        self.assertTrue(seen["handler"])
        self.assertEqual(["/dev/null"] * 3, seen["links"][:3])
        self.assertEqual(4, len(seen["links"]), seen["links"])
        self.assertEqual(0, seen["core"])

    def test_unknown_function(self) -> None:
        """A function that does not exist is refused at the start."""
        self.assertRaises(ChildError, self.start, "no_such_function")
        self.assertRaises(ChildError, self.forks.start, "no_such_module:function")


class EndTests(ForkTestCase):
    """How children end, and when they are really gone."""

    def test_killed(self) -> None:
        """A killed child is gone once it has been waited for; killing it again does nothing."""
        child = self.start("hang")
        child.kill()
        self.assertEqual(-signal.SIGKILL, child.wait(SOON))
        self.assertIsNone(state_of(child.pid))
        child.kill()
        self.assertEqual(-signal.SIGKILL, child.wait(SOON))

    def test_whole_group(self) -> None:
        """With a killed child goes what it started."""
        child = self.start("start_grandchild", "hang")
        grandchild = child.receive(SOON)
        child.kill()
        child.wait(SOON)
        self.assertIsNone(state_of(grandchild))

    def test_left_behind(self) -> None:
        """What a child leaves behind is killed, and waited for, at the child's end."""
        child = self.start("start_grandchild", "end")
        grandchild = child.receive(SOON)
        self.assertEqual(0, child.wait(SOON))
        self.assertIsNone(state_of(grandchild))

    def test_context(self) -> None:
        """Leaving its `with`, a child that still hangs is killed and gone."""
        with self.forks.start("forkjobs:hang") as child:
            self.assertEqual("hanging", child.receive(SOON))
        self.assertIsNone(state_of(child.pid))

    def test_nothing_is_left(self) -> None:
        """After many children, ended in every way, there is no zombie and no open descriptor."""
        self.start("repeat").wait(SOON)
        before = open_descriptors()
        for name in ["repeat", "hang", "fail", "start_grandchild"] * 5:
            with self.forks.start(f"forkjobs:{name}"):
                pass
        self.assertEqual(before, open_descriptors())
        self.assertEqual([], children_of(self.server_pid()))


class ServerTests(ForkTestCase):
    """The fork server's own life."""

    async def test_many_threads(self) -> None:
        """Children started by many threads at once each have their own conversation."""
        workers = Workers(self.reactor, 16, 100, "test")

        def converse(number: int) -> int:
            with self.forks.start("forkjobs:repeat", number) as child:
                answer = int(child.receive(SOON))
                self.assertEqual(0, child.wait(SOON))
            return answer

        running = [Deferred.fromCoroutine(workers.run(converse, n)) for n in range(200)]
        self.assertEqual([*range(200)], await gatherResults(running))
        await workers.stop(SOON)

    def test_started_again(self) -> None:
        """A fork server that died is replaced; children of the dead one are still served."""
        old = self.start("echo", "hello")
        first_pid = self.server_pid()
        os.kill(first_pid, signal.SIGKILL)
        new = self.start("echo", "hello")
        self.assertNotEqual(first_pid, self.server_pid())
        self.assertIsNone(state_of(first_pid))
        for child in (old, new):
            self.assertEqual("hello", child.receive(SOON))
        old.kill()
        self.assertIsNone(old.wait(SOON))

    def test_cannot_start(self) -> None:
        """A server that cannot import what it should is an error, not a wait."""
        forks = ForkServer(("no_such_module",))
        self.addCleanup(forks.stop)
        self.assertRaises(ChildError, forks.start, "forkjobs:repeat")

    def test_stopped(self) -> None:
        """Stopped, the server is gone and forks no more; its children go on."""
        child = self.start("echo", "hello")
        pid = self.server_pid()
        self.forks.stop()
        self.assertIsNone(state_of(pid))
        self.assertRaises(Stopped, self.start, "repeat")
        self.assertEqual("hello", child.receive(SOON))

    def test_stopped_unused(self) -> None:
        """A server that was never needed was never started."""
        self.forks.stop()
        self.assertRaises(Stopped, self.start, "repeat")

    def test_starts_while_the_server_dies(self) -> None:
        """While the server is killed again and again, every start gets its child or an error."""
        self.start("repeat")
        answers: Counter[str] = Counter()
        problems: list[Exception] = []

        def converse() -> None:
            for _ in range(10):
                try:
                    with self.forks.start("forkjobs:repeat", "x") as child:
                        answers[child.receive(SOON)] += 1
                except ChildError as error:
                    problems.append(error)

        threads = [threading.Thread(target=converse) for _ in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            server = self.forks._server
            if server is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(server._process.pid, signal.SIGKILL)
            threads[0].join(0.2)
        for thread in threads:
            thread.join()
        self.assertEqual(40, answers["x"] + len(problems))
        self.start("repeat", "still").receive(SOON)


#: Starts a child and says so; ends by being killed.
_MANAGER = """
import sys, time
from pathlib import Path
from buildfarm.flow.forks import ForkServer
directory = Path(sys.argv[1])
forks = ForkServer(("forkjobs",))
child = forks.start("forkjobs:outlive", directory)
child.receive(20)
print(child.pid, forks._server._process.pid, flush=True)
time.sleep(1000)
"""


class OutlivingTests(ForkTestCase):
    """Children whose manager is killed."""

    async def test_manager_killed(self) -> None:
        """The fork server ends with its manager; a child goes on to its end, with its lock."""
        directory = self.make_directory()
        os.mkfifo(directory / "go")
        manager = start_manager(directory)
        self.addCleanup(manager.wait)
        self.addCleanup(manager.kill)
        assert manager.stdout is not None
        self.addCleanup(manager.stdout.close)
        child, server = map(int, manager.stdout.readline().split())
        manager.kill()
        await self.wait_until(lambda: state_of(server) in {None, "Z"})
        self.assertEqual(child, holder(directory / "lock"))
        (directory / "go").write_text("go")
        lock = await self.wait_until(lambda: try_hold(directory / "lock"))
        lock.release()
        self.assertEqual("reached", (directory / "end").read_text())


def start_manager(directory: Path) -> "subprocess.Popen[str]":
    """A process that has started one child, and will hang."""
    return subprocess.Popen(
        [sys.executable, "-c", _MANAGER, str(directory)], stdout=subprocess.PIPE, text=True
    )
