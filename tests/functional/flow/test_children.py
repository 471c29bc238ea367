"""Commands as child processes, under the real reactor."""

import hashlib
import os
import signal
import sys
from pathlib import Path

from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.procfs import is_running, open_descriptors
from buildfarm.flow import children
from buildfarm.flow.children import CommandResult, run_command
from buildfarm.flow.lockfiles import HeldLock, holder, try_hold
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import ChildError


class CommandTestCase(FarmTestCase):
    """Runs commands with generous bounds unless a test says otherwise."""

    def run_command(self, *arguments: str, **options: object) -> Deferred[CommandResult]:
        bounds = {"deadline": 50, "max_output": 1000, **options}
        return Deferred.fromCoroutine(run_command(self.reactor, arguments, **bounds))

    def run_python(self, script: str, **options: object) -> Deferred[CommandResult]:
        return self.run_command(sys.executable, "-c", script, **options)

    def hold_lock(self) -> HeldLock:
        lock = try_hold(self.make_directory() / "lock")
        assert lock is not None
        self.addCleanup(lock.leave)
        return lock

    async def written_pid(self, path: Path) -> int:
        """The process id that a child writes into `path` once it runs."""
        return int(await self.wait_until(lambda: path.exists() and path.read_text().strip()))


class CommandTests(CommandTestCase):
    """What a command gets, and what its caller learns."""

    async def test_success(self) -> None:
        """A command that ends well gives its output, both streams in their order."""
        result = await self.run_command("sh", "-c", "echo one; echo two >&2; echo three")
        self.assertEqual(CommandResult(0, None, "one\ntwo\nthree\n", 0, timed_out=False), result)
        self.assertTrue(result.succeeded)
        self.assertEqual("ended with exit status 0", result.ending)

    async def test_failure(self) -> None:
        """Its exit status is told."""
        result = await self.run_command("sh", "-c", "exit 3")
        self.assertEqual((3, None, False), (result.exit_code, result.signal, result.succeeded))
        self.assertEqual("ended with exit status 3", result.ending)

    async def test_killed_by_a_signal(self) -> None:
        """A command that a signal ended is no success, and the signal is named."""
        result = await self.run_command("sh", "-c", "kill -SEGV $$")
        self.assertEqual((None, signal.SIGSEGV), (result.exit_code, result.signal))
        self.assertFalse(result.succeeded)
        self.assertEqual("was killed by SIGSEGV", result.ending)

    async def test_arguments_are_no_shell_text(self) -> None:
        """Arguments reach the program as they are."""
        result = await self.run_command("printf", "%s|", "a b", "$HOME; *", "'")
        self.assertEqual("a b|$HOME; *|'|", result.output)

    async def test_surroundings(self) -> None:
        """A command has no input, a session of its own, few variables, the directory asked."""
        directory = self.make_directory()
        os.environ["BUILDFARM_TEST_SECRET"] = "secret"
        self.addCleanup(os.environ.pop, "BUILDFARM_TEST_SECRET")
        result = await self.run_python(
            "import os, sys; print(repr(sys.stdin.read()), os.getsid(0) == os.getpid(),"
            "'BUILDFARM_TEST_SECRET' in os.environ, os.environ['COOKIE'], os.getcwd())",
            env={"COOKIE": "c"},
            cwd=directory,
        )
        self.assertEqual(f"'' True False c {directory}\n", result.output)

    async def test_inherits_nothing_else(self) -> None:
        """Of our descriptors a command has its streams, its output's reader and its lock."""
        mine = os.open(os.devnull, os.O_RDONLY)
        self.addCleanup(os.close, mine)
        os.set_inheritable(mine, True)
        result = await self.run_python(
            "import os; print([int(fd) for fd in os.listdir('/proc/self/fd')])",
            lock=self.hold_lock(),
        )
        self.assertEqual([0, 1, 2, 3, 4], sorted(map(int, eval(result.output)))[:-1])

    async def test_output_is_bounded(self) -> None:
        """Of much output the end is kept, and it is said how much is not."""
        result = await self.run_python(
            "import sys; sys.stdout.write('x' * 3_000_000 + 'the end')", max_output=100
        )
        self.assertEqual("x" * 93 + "the end", result.output)
        self.assertEqual(3_000_007 - 100, result.dropped)

    async def test_no_such_program(self) -> None:
        """A program that does not exist ends as in a shell, and its output says so."""
        result = await self.run_command("/nowhere/reset-vm", "host")
        self.assertEqual(127, result.exit_code)
        self.assertIn("/nowhere/reset-vm", result.output)

    async def test_no_command(self) -> None:
        """Arguments without a program, or with an option in its place, are refused."""
        self.failureResultOf(self.run_command(), ChildError)
        self.failureResultOf(self.run_command("--wait", "true"), ChildError)

    async def test_cannot_be_started(self) -> None:
        """Where no process can be made, nothing is left open and the lock is free again."""
        lock = self.hold_lock()
        before = open_descriptors()
        self.failureResultOf(self.run_command("true", "x" * 10_000_000, lock=lock), ChildError)
        self.assertEqual(before - 1, open_descriptors())
        again = try_hold(lock.path)
        assert again is not None
        again.release()


class EndingTests(CommandTestCase):
    """How commands are made to end, and what becomes of their locks."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(children, "KILL_AFTER", 0.2)

    async def test_deadline(self) -> None:
        """At its deadline a command is terminated together with all that it started."""
        pid_file = self.make_directory() / "pid"
        result = await self.run_command(
            "sh", "-c", f"sleep 1000 & echo $! > {pid_file}; echo begun; wait", deadline=0.5
        )
        self.assertEqual((None, signal.SIGTERM), (result.exit_code, result.signal))
        self.assertEqual((True, "begun\n"), (result.timed_out, result.output))
        self.assertEqual("did not end before its deadline and was killed", result.ending)
        pid = int(pid_file.read_text())
        await self.wait_until(lambda: not is_running(pid))

    async def test_ignores_being_terminated(self) -> None:
        """A command that ignores being terminated is killed."""
        result = await self.run_command("sh", "-c", "trap '' TERM; sleep 1000", deadline=0.5)
        self.assertEqual((True, signal.SIGKILL), (result.timed_out, result.signal))

    async def test_good_end_after_the_deadline(self) -> None:
        """A command that takes its termination well has timed out all the same."""
        result = await self.run_python(
            "import signal, sys, time\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
            "time.sleep(1000)",
            deadline=0.5,
        )
        self.assertEqual((0, True, False), (result.exit_code, result.timed_out, result.succeeded))

    async def test_cannot_be_killed(self) -> None:
        """A command that may not be killed is given up, and keeps its lock."""

        def refuse(*_: object) -> None:
            raise PermissionError

        lock = self.hold_lock()
        kill = os.killpg
        self.patch(os, "killpg", refuse)
        result = await self.run_command("sleep", "1000", deadline=0.1, lock=lock)
        self.assertEqual("did not end before its deadline and cannot be killed", result.ending)
        pid = holder(lock.path)
        self.assertNotIn(pid, (None, os.getpid()))
        assert pid is not None
        kill(pid, signal.SIGKILL)
        await self.wait_until(lambda: not Path(f"/proc/{pid}").exists())

    async def test_survivor_of_a_good_end(self) -> None:
        """What a command leaves running on purpose lives on, without its lock."""
        pid_file = self.make_directory() / "pid"
        lock = self.hold_lock()
        result = await self.run_command("sh", "-c", f"sleep 1000 & echo $! > {pid_file}", lock=lock)
        self.assertTrue(result.succeeded)
        pid = int(pid_file.read_text())
        self.assertTrue(is_running(pid))
        os.kill(pid, signal.SIGKILL)
        again = try_hold(lock.path)
        assert again is not None
        again.release()

    async def test_lock(self) -> None:
        """A command holds its lock until it has been reaped; then the lock is free."""
        lock = self.hold_lock()
        running = self.run_command("sleep", "1000", deadline=0.5, lock=lock)
        with lock:
            self.assertIsNone(try_hold(lock.path))
        self.assertIsNone(try_hold(lock.path))
        await running
        again = try_hold(lock.path)
        assert again is not None
        again.release()

    async def test_caller_cancelled(self) -> None:
        """Nobody waits any more: the command goes on to its end and frees its lock then."""
        directory = self.make_directory()
        lock = self.hold_lock()
        running = self.run_command(
            "sh",
            "-c",
            f"echo $$ > {directory}/pid; while [ ! -e {directory}/go ]; do sleep 0.01; done",
            lock=lock,
        )
        pid = await self.written_pid(directory / "pid")
        running.cancel()
        self.failureResultOf(running, CancelledError)
        self.assertTrue(is_running(pid))
        self.assertIsNone(try_hold(lock.path))
        (directory / "go").touch()
        again = await self.wait_until(lambda: try_hold(lock.path))
        again.release()
        await self.wait_until(lambda: not Path(f"/proc/{pid}").exists())


#: Starts a command that prints and then waits for a file, and stops the reactor meanwhile.
_STOPPING = """
import sys
from pathlib import Path
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from buildfarm.flow.children import run_command
from buildfarm.flow.lockfiles import try_hold

directory = Path(sys.argv[1])
script = f'''
set -e
echo $$ > {directory}/pid
while [ ! -e {directory}/go ]; do sleep 0.01; echo going on; done
echo reached the end > {directory}/end
'''

def stop_when_begun():
    if (directory / "pid").exists():
        reactor.stop()
    else:
        reactor.callLater(0.01, stop_when_begun)

lock = try_hold(directory / "lock")
ensureDeferred(
    run_command(reactor, ["sh", "-c", script], deadline=50, max_output=100, lock=lock)
)
reactor.callWhenRunning(stop_when_begun)
reactor.run()
"""


class OutlivingTests(CommandTestCase):
    """A command whose manager stops."""

    async def test_reactor_stopped(self) -> None:
        """When the reactor stops a command goes on, prints into the void, and keeps its lock."""
        directory = self.make_directory()
        manager = await self.run_command(sys.executable, "-c", _STOPPING, str(directory))
        self.assertEqual("", manager.output)
        pid = int((directory / "pid").read_text())
        self.assertTrue(is_running(pid))
        self.assertIsNone(try_hold(directory / "lock"))
        self.assertEqual(pid, os.getsid(holder(directory / "lock") or 0))
        (directory / "go").touch()
        lock = await self.wait_until(lambda: try_hold(directory / "lock"))
        lock.release()
        self.assertTrue((directory / "end").exists())


class _Digesting(Protocol):
    """Takes a stream and tells its digest when it ends."""

    def __init__(self) -> None:
        self.ended: Deferred[str] = Deferred()
        self._digest = hashlib.sha256()

    def dataReceived(self, data: bytes) -> None:
        self._digest.update(data)

    def connectionLost(self, reason: Failure) -> None:
        self.ended.callback(self._digest.hexdigest())


class ManyTests(CommandTestCase):
    """Hundreds of children at once, beside other work."""

    async def test_many_end_together(self) -> None:
        """200 children ending at the same moment disturb no thread, transfer or other child."""
        directory = self.make_directory()
        fifo = directory / "starting gun"
        os.mkfifo(fifo)
        waiting = [
            self.run_command("sh", "-c", f"echo > {directory}/{n}; read x < '{fifo}'; exit {n}")
            for n in range(200)
        ]
        workers = Workers(self.reactor, 4, 10, "digests")
        self.addCleanup(workers._crew.quit)
        block = os.urandom(1 << 20)

        await self.wait_until(lambda: len([*directory.iterdir()]) == 201)
        received, sent = await self.start_transfer(block, count=64)
        digests = [Deferred.fromCoroutine(workers.run(digest, block, 20)) for _ in range(40)]
        opened = os.open(fifo, os.O_RDWR)
        os.close(opened)
        results = await gatherResults(waiting)
        self.assertEqual([n % 256 for n in range(200)], [result.exit_code for result in results])
        self.assertEqual({digest(block, 20)}, set(await gatherResults(digests)))
        self.assertEqual(sent, await received)
        self.assertTrue(await workers.stop(10))

    async def start_transfer(self, block: bytes, count: int) -> tuple[Deferred[str], str]:
        """Send `block` `count` times over a socket: the digest received, the digest sent."""
        receiver = _Digesting()
        server = TCP4ServerEndpoint(self.reactor, 0, interface="127.0.0.1")
        port = await server.listen(Factory.forProtocol(lambda: receiver))
        self.addCleanup(port.stopListening)
        client = TCP4ClientEndpoint(self.reactor, "127.0.0.1", port.getHost().port)
        sender = await connectProtocol(client, Protocol())
        assert sender.transport is not None
        for _ in range(count):
            sender.transport.write(block)
        sender.transport.loseConnection()
        return receiver.ended, digest(block, count)


def digest(block: bytes, count: int) -> str:
    """The SHA-256 of `block` repeated."""
    whole = hashlib.sha256()
    for _ in range(count):
        whole.update(block)
    return whole.hexdigest()
