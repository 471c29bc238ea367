"""Resets by real commands: their output, their bounds, and the orphans of a killed manager."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

from testtools import ExpectedException
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults

from buildfarm.builders.resets import Resetter
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.snapshots import BUILDER
from buildfarm.flow.lockfiles import holder, try_hold
from buildfarm.flow.threads import Workers
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import ResetFailed
from buildfarm.vocab.settings import ResetSettings

BOB = replace(
    BUILDER, virtualized=True, vm_host="host1", url="http://bob.example.com:8221", name="bob"
)


class ResetterCase(FarmTestCase):
    """A resetter with threads and a directory of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.directory = self.make_directory()
        self.workers = Workers(self.reactor, size=4, bound=100, name="file")
        self.addCleanup(lambda: ensureDeferred(self.workers.stop(20)))

    def resetter(self, script: str, **settings: object) -> Resetter:
        """Runs the shell script, with the VM's host and name as its arguments."""
        command = ("sh", "-c", script, "reset", "%(vm_host)s", "%(buildd_name)s")
        return Resetter(
            self.reactor,
            ResetSettings(command=command, **settings),  # type: ignore[arg-type]
            self.directory,
            self.workers,
        )

    def begin(self, resetter: Resetter, builder: BuilderSnapshot = BOB) -> Deferred[str]:
        return Deferred.fromCoroutine(resetter.reset(builder))


class TestResetter(ResetterCase):
    """One manager."""

    async def test_the_output_of_a_reset_is_returned(self) -> None:
        """Both streams; its arguments were those of the builder."""
        output = await self.begin(self.resetter('echo "$1 $2"; echo done >&2'))
        self.assertEqual("host1 bob\ndone\n", output)

    async def test_what_keeps_us_from_starting_it_is_no_failed_reset(self) -> None:
        """The builder is not to blame for a lock file that we cannot make."""
        (self.directory / "reset-bob").mkdir()
        begun = self.begin(self.resetter("true"))
        with ExpectedException(IsADirectoryError):
            await begun

    async def test_a_reset_that_fails_is_an_error_with_its_output(self) -> None:
        """In a sentence that names the builder and the exit status."""
        failed = await self.assert_fails(self.resetter("echo no such domain; exit 3"))
        self.assertEqual("the reset command of bob ended with exit status 3", str(failed))
        self.assertEqual("no such domain\n", failed.output)

    async def test_only_the_end_of_the_output_is_kept(self) -> None:
        """However much there is."""
        script = "head -c 1000000 /dev/zero | tr '\\0' x; echo the end"
        output = await self.begin(self.resetter(script, max_output=100))
        self.assertEqual(100, len(output))
        self.assertTrue(output.endswith("the end\n"))

    async def test_a_reset_that_hangs_is_killed_at_its_deadline(self) -> None:
        """What it had printed by then is kept."""
        failed = await self.assert_fails(self.resetter("echo begun; exec sleep 600", deadline=0.5))
        self.assertEqual("begun\n", failed.output)
        self.assertEqual(
            "the reset command of bob did not end before its deadline and was killed", str(failed)
        )

    async def test_a_command_that_is_not_there_is_an_error(self) -> None:
        """And leaves the builder free to be reset once it is."""
        resetter = Resetter(
            self.reactor,
            ResetSettings(command=("/nonexistent/reset",)),
            self.directory,
            self.workers,
        )
        for _ in range(2):
            await self.assert_fails(resetter)

    async def test_at_most_so_many_at_once_on_a_vm_host(self) -> None:
        """Others wait for their turn; another host's do not."""
        going, go_on = self.directory / "going", self.directory / "go-on"
        going.mkdir()
        script = (
            f'touch {going}/$2; until [ -e {go_on} ]; do sleep 0.02; done; rm {going}/$2; echo "$2"'
        )
        resetter = self.resetter(script, per_vm_host=2)
        builders = [
            replace(BOB, name=f"b{n}", url=f"http://b{n}:8221", vm_host=f"host{n % 2}")
            for n in range(8)
        ]
        resets = [self.begin(resetter, builder) for builder in builders]
        await self.wait_until(lambda: len(list(going.iterdir())) == 4)
        hosts = sorted(int(path.name[1:]) % 2 for path in going.iterdir())
        self.assertEqual([0, 0, 1, 1], hosts)
        go_on.touch()
        self.assertEqual([f"b{n}\n" for n in range(8)], await gatherResults(resets))

    async def test_a_reset_holds_its_builders_lock_while_it_runs(self) -> None:
        """In its own hands, so that a restarted manager can see it; afterwards the lock is free."""
        begun, go_on = self.directory / "begun", self.directory / "go-on"
        script = f"touch {begun}; until [ -e {go_on} ]; do sleep 0.02; done"
        reset = self.begin(self.resetter(script))
        await self.wait_until(begun.exists)
        lock = self.directory / "reset-bob"
        self.assertIsNone(try_hold(lock))
        go_on.touch()
        await reset
        taken = try_hold(lock)
        self.assertIsNotNone(taken)
        assert taken is not None
        taken.release()

    async def assert_fails(self, resetter: Resetter) -> ResetFailed:
        with self.assertRaises(ResetFailed) as failed:
            await self.begin(resetter)
        return failed.exception


_ORPHAN = """\
import fcntl, os, signal, sys, time
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX)
os.write(lock, b"%d\\n" % os.getpid())
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("held", flush=True)
time.sleep(float(sys.argv[3]))
"""


class TestOrphans(ResetterCase):
    """A reset that outlived the manager that had started it."""

    def orphan(self, kind: str, seconds: float) -> "subprocess.Popen[bytes]":
        """A process in a group of its own that holds bob's lock."""
        lock = self.directory / "reset-bob"
        arguments = [sys.executable, "-c", _ORPHAN, str(lock), kind, str(seconds)]
        child = subprocess.Popen(arguments, stdout=subprocess.PIPE, start_new_session=True)
        self.addCleanup(child.wait)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.kill)
        self.assertEqual(b"held\n", child.stdout.readline())
        self.assertEqual(child.pid, holder(lock))
        return child

    async def test_it_is_waited_for(self) -> None:
        """The new reset begins when the old one has ended by itself."""
        self.orphan("mild", 1.0)
        ended = self.begin(self.resetter("echo reset"))
        self.assertEqual("reset\n", await ended)

    async def test_a_builder_is_not_used_before_it_has_ended(self) -> None:
        """Also one that needs no reset any more; a real builder is reset by nobody."""
        child = self.orphan("mild", 600.0)
        resetter = self.resetter("echo reset")
        over = Deferred.fromCoroutine(resetter.earlier_over(BOB))
        await resetter.earlier_over(replace(BOB, virtualized=False))
        self.assertNoResult(over)
        child.send_signal(signal.SIGKILL)
        await over
        self.assertEqual("reset\n", await self.begin(resetter))

    async def test_it_does_not_keep_the_threads_busy(self) -> None:
        """Orphans of many builders are waited for without standing in anybody's way."""
        child = self.orphan("mild", 600.0)
        resets = [self.begin(self.resetter("echo reset", per_vm_host=20)) for _ in range(8)]
        for _ in range(20):
            await self.workers.run(os.getpid)
        self.assertEqual([False] * 8, [reset.called for reset in resets])
        child.send_signal(signal.SIGKILL)
        self.assertEqual(["reset\n"] * 8, await gatherResults(resets))

    async def test_it_is_killed_when_it_takes_too_long(self) -> None:
        """Also where it does not want to."""
        child = self.orphan("stubborn", 600.0)
        self.assertEqual("reset\n", await self.begin(self.resetter("echo reset", deadline=0.5)))
        self.assertEqual(-signal.SIGKILL, child.wait())

    async def test_another_builder_is_not_held_up(self) -> None:
        """Each has a lock of its own."""
        child = self.orphan("mild", 600.0)
        alice = replace(BOB, name="alice", url="http://alice:8221")
        self.assertEqual("alice\n", await self.begin(self.resetter('echo "$2"'), alice))
        child.kill()
