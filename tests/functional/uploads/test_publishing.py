"""One try to publish: what its child may do, for how long, and what an earlier one left."""

import hashlib
import os
import signal
import struct
import subprocess
import sys
import threading
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from buildfarm.farmtesting.packages import Results, ar, changes, tar
from buildfarm.flow.limits import ResourceLimits
from buildfarm.flow.lockfiles import try_hold
from buildfarm.uploads import publishing
from buildfarm.uploads.locks import archive_lock
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.errors import UploadPostponed, UploadRefused
from buildfarm.vocab.settings import UploadSettings
from buildfarm.vocab.states import UploaderKind
from buildfarm.vocab.upload import ResultFile
from tests.functional.uploads.publishing import PublishingTestCase, hello

#: A child of an earlier manager that holds the lock given as its argument and never ends.
ORPHAN = """
import fcntl, os, signal, sys
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.write(f"{os.getpid()}\\n")
lock.flush()
print("held", flush=True)
signal.pause()
"""


class TestCheck(PublishingTestCase):
    """The check, in its child."""

    def published(self) -> list[str]:
        """The uploads in the archive."""
        return [path.name for path in (self.root / "incoming").iterdir()]

    def refused(self, results: tuple[ResultFile, ...], reason: str) -> None:
        """These results are refused for this reason, and nothing of them is in the archive."""
        with self.assertRaisesRegex(UploadRefused, reason):
            self.publish(results)
        self.assertEqual([], self.published())
        self.assertEqual([], self.steps)

    def test_refused(self) -> None:
        """The reason comes from the child as it is."""
        results = Results(changes_fields={"Source": "evil"})
        self.refused(self.spool(results), "is of the source 'evil', not hello.$")

    def test_too_much_memory(self) -> None:
        """A package that needs gigabytes to be unpacked is refused, and takes none."""
        members = [
            ("debian-binary", b"2.0\n"),
            ("control.tar.xz", xz_with_huge_dictionary()),
            ("data.tar", tar({})),
        ]
        results = Results(files={"hello_1.0_amd64.deb": ar(members)})
        self.refused(self.spool(results), "cannot be unpacked: MemoryError|Memory")

    def test_too_much_computing(self) -> None:
        """A check that does not come to an end is ended by the limit on computing."""
        self.patch(publishing, "_check_limits", lambda _: ResourceLimits(cpu=1))
        name, size = "hello_1.0_amd64.deb", 1 << 36
        directory = self.home / "spool"
        directory.mkdir()
        huge, about = directory / "0001", directory / "0002"
        huge.touch()
        os.truncate(huge, size)
        about.write_bytes(changes({name: b""}).replace(b" 0 ", f" {size} ".encode()))
        digest = hashlib.sha256(about.read_bytes()).hexdigest()
        results = (
            ResultFile(name, huge, size, "0" * 64),
            ResultFile("hello.changes", about, about.stat().st_size, digest),
        )
        self.refused(results, "takes too much computing")

    def test_spool_missing(self) -> None:
        """A spool that cannot be read is our own trouble, not the package's."""
        results = self.spool(hello())
        results[0].path.unlink()
        with self.assertRaisesRegex(UploadPostponed, "No such file"):
            self.publish(results)

    def test_bad_results_do_not_reach_the_next_try(self) -> None:
        """A child that publishes is used again; it is not lent for what the check refuses."""
        pids = []
        for number in (1, 2):
            self.publish(self.spool(hello(), number), self.task(number=number, prepared=False))
            pids.append(self.children.lent.pid)
        self.assertEqual(pids[0], pids[1])
        del self.children.lent
        bad = self.spool(Results(changes_fields={"Source": "evil"}), 9)
        self.assertRaises(UploadRefused, self.publish, bad, self.task(number=9, prepared=False))
        self.assertFalse(hasattr(self.children, "lent"))


def xz_with_huge_dictionary() -> bytes:
    """The beginning of an xz file whose header asks for a dictionary of 4 GiB."""
    flags = b"\x00\x01"
    stream = b"\xfd7zXZ\x00" + flags + struct.pack("<I", zlib.crc32(flags))
    block = bytes([2, 0, 0x21, 1, 40, 0, 0, 0])
    return stream + block + struct.pack("<I", zlib.crc32(block)) + b"\x01\x00\x00\x00" + bytes(64)


class TestDeadline(PublishingTestCase):
    """An uploader that hangs, with all that it has started."""

    uploader = UploaderKind.COMMAND

    def make_archive(self, **changed: Any) -> ArchiveSnapshot:
        """An archive whose program starts another, and waits for ever."""
        pids = self.home / "pids"
        self.root.write_text(f"#!/bin/sh\nsleep 1000 & echo $! $$ > {pids}; wait\n")
        self.root.chmod(0o755)
        return super().make_archive(**changed)

    def test_killed(self) -> None:
        """Nothing of a try that is too slow is left, and it may be tried again."""
        self.settings = UploadSettings(deadline=0.5)
        with self.assertRaisesRegex(UploadPostponed, "did not end before its deadline"):
            self.publish(self.spool(hello()))
        pids = (self.home / "pids").read_text().split()
        self.assertEqual(2, len(pids))
        for pid in pids:
            self.assertFalse(Path(f"/proc/{pid}").exists(), pid)
        lock = try_hold(archive_lock(self.locks_dir, "main"))
        assert lock is not None
        lock.release()


class TestEarlierManagers(PublishingTestCase):
    """What the child of a manager that was killed still does."""

    def orphan(self, kind: str) -> subprocess.Popen[bytes]:
        """A process, in a group of its own, that holds the archive's lock."""
        lock = archive_lock(self.locks_dir, "main")
        orphan = subprocess.Popen(
            [sys.executable, "-c", ORPHAN, str(lock), kind],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert orphan.stdout is not None
        self.addCleanup(orphan.stdout.close)
        self.assertEqual(b"held\n", orphan.stdout.readline())
        return orphan

    def test_killed(self) -> None:
        """A child that does not end by itself is ended before its archive is used again."""
        self.patch(publishing, "_ORPHAN_GRACE", 0.1)
        for number, kind in enumerate(("obedient", "stubborn"), 1):
            orphan = self.orphan(kind)
            task = self.task(number=number, prepared=False, suite=f"suite{number}")
            self.publish(self.spool(hello(), number), task)
            self.assertIn(orphan.wait(), {-signal.SIGTERM, -signal.SIGKILL})
        self.assertEqual(2, len([*(self.root / "incoming").iterdir()]))

    def test_waited_for(self) -> None:
        """A child that ends in time is left to its end."""
        orphan = self.orphan("obedient")
        timer = threading.Timer(0.3, orphan.kill)
        timer.start()
        self.publish(self.spool(hello()))
        self.assertEqual(-signal.SIGKILL, orphan.wait())


class TestChildKilled(PublishingTestCase):
    def test_at_each_step(self) -> None:
        """A child that is killed by somebody is told from one that refuses, at any step."""
        for number, fatal in enumerate(("upload.checked", "upload.prepared", "upload.renamed"), 1):
            files = self.spool(hello(), number)
            task = self.task(number=number, prepared=False, suite=f"suite{number}")

            def kill(step: str, fatal: str = fatal) -> None:
                if step == fatal:
                    os.kill(self.children.lent.pid, signal.SIGKILL)

            with self.assertRaises(UploadPostponed):
                self.publish(files, task, kill)
            self.publish(
                files, replace(task, attempt=replace(task.attempt, prepared=self.prepared))
            )
        self.assertEqual(3, len([*(self.root / "incoming").iterdir()]))
