"""Several processes at one database, and one that is killed in the middle of what it writes."""

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import IO

from twisted.internet.threads import deferToThread

from buildfarm.storage import builds
from buildfarm.storage.commits import commit_group
from tests.functional.storage.writer import SCHEMA, write_pair
from tests.unit.storage.cases import StorageTestCase

#: Seconds after which a process has hung.
DEADLINE = 60.0

WRITER = str(Path(__file__).with_name("writer.py"))


class ProcessTestCase(StorageTestCase):
    timeout = 120.0

    def setUp(self) -> None:
        super().setUp()
        self.store.execute(SCHEMA)
        self.store.commit()

    def start_writer(self, name: str, count: int, group: int) -> subprocess.Popen[str]:
        """Another process that writes pairs under `name`; it ends with the test at the latest."""
        process = subprocess.Popen(
            [
                sys.executable,
                WRITER,
                self.uri,
                name,
                str(count),
                str(group),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def has_open(self, process: subprocess.Popen[str]) -> bool:
        """Whether a process has opened the database."""
        descriptors = Path(f"/proc/{process.pid}/fd").iterdir()
        return str(self.database.path) in {os.path.realpath(one) for one in descriptors}

    def assert_whole(self) -> None:
        """Nothing in the file of the database is damaged."""
        self.assertEqual([("ok",)], self.rows("PRAGMA integrity_check"))

    def pairs(self) -> list[tuple[str, int, int]]:
        """How many halves there are of each pair, by name and number."""
        return self.rows(
            "SELECT name, number, COUNT(*) FROM pair GROUP BY name, number ORDER BY name, number"
        )


class TestTogether(ProcessTestCase):
    def test_writers_wait_for_each_other(self) -> None:
        """Four processes that read and then write are never told that the database is locked."""
        writers = {name: self.start_writer(name, 100, 1) for name in "abcd"}
        for process in writers.values():
            _, complaints = process.communicate(timeout=DEADLINE)
            self.assertEqual(("", 0), (complaints, process.returncode))
        expected = [(name, number, 2) for name in "abcd" for number in range(100)]
        self.assertEqual(expected, self.pairs())

    async def test_a_long_act_elsewhere(self) -> None:
        """A writer waits for another process's transaction and then goes on."""
        other = self.database.writer()
        self.addCleanup(other.close)
        other.execute("SELECT 1")
        process = self.start_writer("a", 1, 1)
        mine = deferToThread(commit_group, self.store, [write_pair("mine", 0)])
        await self.wait_until(lambda: self.has_open(process), what="it wants to write")
        other.rollback()
        [outcome] = await mine
        self.assertIsNone(outcome.error)
        _, complaints = await deferToThread(process.communicate, timeout=DEADLINE)
        self.assertEqual(("", 0), (complaints, process.returncode))
        self.assertEqual([("a", 0, 2), ("mine", 0, 2)], self.pairs())

    def test_readers_beside_a_writer(self) -> None:
        """Readers in two threads of life see whole acts only, while another process writes."""
        process = self.start_writer("a", 300, 7)
        readers = [self.database.reader() for _ in range(2)]
        for reader in readers:
            self.addCleanup(reader.close)
        seen = [0, 0]
        while max(seen) < 300:
            for index, reader in enumerate(readers):
                halves = reader.execute("SELECT half, COUNT(*) FROM pair GROUP BY half").get_all()
                reader.rollback()
                counts = {number for _, number in halves}
                self.assertTrue(len(counts) <= 1, halves)
                found = counts.pop() if counts else 0
                self.assertTrue(found >= seen[index], "a reader went back in time")
                seen[index] = found
            if process.poll() is not None:
                self.assertEqual(0, process.returncode)
        _, complaints = process.communicate(timeout=DEADLINE)
        self.assertEqual("", complaints)

    def test_acts_of_the_farm_beside_others(self) -> None:
        """Commands and a daemon's acts go on beside each other."""
        process = self.start_writer("a", 100, 3)
        bob = self.add_builder()
        for number in range(20):
            build_id = self.submit(f"package{number}")
            order = self.start(bob)
            self.gather(order)
            self.publish(order)
            self.assertEqual("FULLYBUILT", self.state(build_id).value)
        process.communicate(timeout=DEADLINE)
        self.assertEqual(0, process.returncode)
        self.assertEqual(20, len(self.ask(builds.builds)))


class TestKilled(ProcessTestCase):
    def test_whole_acts_only(self) -> None:
        """Killed at any moment, a writer leaves whole acts, and all that it had reported."""
        moments = random.Random(2)
        for kill in range(8):
            name = f"killed{kill}"
            process = self.start_writer(name, 100_000, 5)
            assert process.stdout is not None
            reported = self.read_some(process.stdout, moments.randrange(1, 400))
            process.kill()
            rest = process.stdout.read().split("\n")
            reported += [int(line) for line in rest[:-1] if line]
            process.communicate(timeout=DEADLINE)
            self.assert_whole()
            found = [(number, halves) for owner, number, halves in self.pairs() if owner == name]
            self.assertEqual({2}, {halves for _, halves in found})
            kept = [number for number, _ in found]
            self.assertEqual(list(range(len(kept))), kept)
            self.assertEqual(0, len(kept) % 5, "part of a group was committed")
            self.assertTrue(set(reported) <= set(kept))

    def test_the_next_one_goes_on(self) -> None:
        """After a writer was killed in the middle, the next finds no lock that is left."""
        process = self.start_writer("killed", 100_000, 50)
        assert process.stdout is not None
        self.read_some(process.stdout, 60)
        process.kill()
        process.communicate(timeout=DEADLINE)
        [outcome] = commit_group(self.store, [write_pair("next", 1)])
        self.assertIsNone(outcome.error)
        self.assertIn(("next", 1, 2), self.pairs())

    def read_some(self, lines: IO[str], count: int) -> list[int]:
        """The next `count` numbers that a writer reports."""
        return [int(lines.readline()) for _ in range(count)]
