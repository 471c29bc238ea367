"""The farm at a glance."""

from buildfarm.storage import attempts, roster
from buildfarm.storage.glance import backlogs, glance
from buildfarm.vocab.glance import Backlog, Glance, Job
from buildfarm.vocab.progress import ProgressNote
from buildfarm.vocab.states import BuildState
from tests.unit.storage.cases import StorageTestCase


class GlanceTests(StorageTestCase):
    def glance(self, seen: frozenset[str] | None = frozenset()) -> Glance:
        """The farm now."""
        return self.ask(glance, seen, self.now())

    def test_builders_and_what_they_have(self) -> None:
        """By name, with their job, its last line, and since when they are out of service."""
        bob = self.add_builder()
        self.add_builder("alice", processors=("arm64", "i386"))
        self.add_builder("gone")
        self.act(roster.remove_builder, "gone", False, "root", self.now())
        self.pass_time(5)
        self.act(
            roster.change_builder,
            "alice",
            {"builderok": False, "failnotes": "fan"},
            "x",
            self.now(),
        )
        broken = self.now()
        self.pass_time(5)
        build_id = self.submit()
        order = self.start(bob)
        note = ProgressNote(order.attempt.id, build_id, logtail="first\nmake: \x1b[1mall\n\n")
        self.act(attempts.record_progress, self.epoch, [note], self.now())
        alice, busy = self.glance().builders
        self.assertEqual(
            ("alice", ("arm64", "i386"), False, "fan", broken, None),
            (
                alice.name,
                alice.processors,
                alice.builderok,
                alice.failnotes,
                alice.out_since,
                alice.job,
            ),
        )
        job = Job(
            self.now(),
            BuildState.BUILDING,
            300.0,
            build_id,
            "hello 1.0-1 amd64 in main/bookworm",
            "make: \x1b[1mall",
        )
        self.assertEqual(job, busy.job)

    def test_private_jobs_are_not_told(self) -> None:
        """That the builder is busy is; what with, those learn who may see the archive."""
        self.add_archive("secret", private=True)
        bob = self.add_builder()
        build_id = self.submit(archive="secret")
        self.start(bob)
        for seen, told in (
            (frozenset(), None),
            (frozenset({"secret"}), build_id),
            (None, build_id),
        ):
            job = self.glance(seen).builders[0].job
            assert job is not None
            self.assertEqual((told, told is None), (job.build_id, job.title is None))

    def test_backlogs(self) -> None:
        """Builds and their seconds by processor and kind, with those that may not go yet."""
        self.add_archive("virtual", virtualized=True)
        for name in ("one", "two"):
            self.submit(name, architectures=("amd64", "arm64"))
        self.submit("three", archive="virtual")
        waiting = {
            ("amd64", False): Backlog(2, 600.0),
            ("arm64", False): Backlog(2, 600.0),
            ("amd64", True): Backlog(1, 300.0),
        }
        self.assertEqual(waiting, self.ask(backlogs))
        order = self.start(self.add_builder())
        self.assertEqual(Backlog(1, 300.0), self.ask(backlogs)["amd64", False])
        self.lose(order)
        self.assertEqual(waiting, self.glance().backlogs)
