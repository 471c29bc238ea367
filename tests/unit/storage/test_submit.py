"""A source package becomes builds: all that it wants, or none and a sentence."""

from dataclasses import replace
from typing import Any

from buildfarm.storage import builds, chroots, durations, events, orders, queue, roster
from buildfarm.vocab.announcements import BuildEnded, WorkArrived
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import BuildOutcome, BuildState, QueueState
from tests.unit.storage.cases import StorageTestCase, submission


class TestSubmit(StorageTestCase):
    def submit_all(self, *args: Any, **kwargs: Any) -> tuple[int, ...]:
        """Submit a source package; the ids of its builds."""
        return self.act(builds.submit, submission(*args, **kwargs), "alice", self.now())

    def assert_refused(self, words: str, *args: Any, **kwargs: Any) -> None:
        """Assert that a submission is refused with these words, and leaves nothing."""
        tables = "SELECT COUNT(*) FROM build", "SELECT COUNT(*) FROM source", "SELECT * FROM queue"
        before = [self.rows(table) for table in tables]
        refused = self.assertRaises(Refused, self.submit_all, *args, **kwargs)
        self.assertIn(words, str(refused))
        self.assertEqual(before, [self.rows(table) for table in tables])

    def test_a_build_for_each_architecture(self) -> None:
        """One act makes a build and a queue entry for each architecture, and announces them."""
        first, second = self.submit_all(
            "hello", "2.10-3", ("amd64", "arm64"), suite="bookworm-security", score=7
        )
        amd64, arm64 = self.build(first), self.build(second)
        self.assertEqual("hello 2.10-3 amd64 in main/bookworm-security", amd64.title)
        self.assertEqual(
            ("debian", "bookworm", "security", "main", "alice", BuildState.NEEDSBUILD, 0),
            (
                amd64.distribution,
                amd64.series,
                amd64.pocket,
                amd64.component,
                amd64.requester,
                amd64.state,
                amd64.attempt_count,
            ),
        )
        self.assertEqual((True, False), (amd64.arch_indep, arm64.arch_indep))
        self.assertEqual(self.now(), amd64.created)
        entry = self.ask(queue.queue_entry, second)
        assert entry is not None
        self.assertEqual(
            ("arm64", False, (), QueueState.WAITING, 7),
            (
                entry.requirement.processor,
                entry.requirement.virtualized,
                entry.requirement.resources,
                entry.state,
                entry.score,
            ),
        )
        [arrived] = self.announced
        assert isinstance(arrived, WorkArrived)
        self.assertEqual(2, len(set(arrived.requirement_ids)))
        [told] = self.ask(events.events_of_build, first)
        self.assertEqual(("alice", None, "NEEDSBUILD"), (told.actor, told.before, told.after))

    def test_requirements_are_shared(self) -> None:
        """Builds that ask the same of a builder have one requirement; virtual ones another."""
        self.add_archive("virtual", virtualized=True)
        asked = []
        for name, archive in (("a", "main"), ("b", "main"), ("a", "virtual")):
            entry = self.ask(queue.queue_entry, self.submit(name, archive=archive))
            assert entry is not None
            asked.append(entry.requirement)
        self.assertEqual(asked[0], asked[1])
        self.assertEqual((False, True), (asked[0].virtualized, asked[2].virtualized))

    def test_what_is_not_there(self) -> None:
        """Archive, suite, architecture and chroot must exist."""
        self.assert_refused("no archive 'other'", archive="other")
        self.assert_refused("no suite 'sid'", suite="sid")
        self.assert_refused("no architecture 's390x'", architectures=("amd64", "s390x"))
        self.add_archive("sid", suites=("sid",))
        self.assert_refused("chroot set debian/sid/amd64 FILE", archive="sid", suite="sid")
        self.assert_refused("none of the architectures", architectures=())
        self.assert_refused("score", score=10**12)

    def test_twice(self) -> None:
        """A version is built once for each architecture of a suite; more of them may follow."""
        first = self.submit("hello", "1.0-1", ("amd64",))
        self.assert_refused(f"build {first}, NEEDSBUILD", "hello", "1.0-1", ("arm64", "amd64"))
        self.submit("hello", "1.0-1", ("arm64",))
        self.submit("hello", "1.0-1", ("amd64",), suite="bookworm-security")
        self.add_archive("other")
        self.submit("hello", "1.0-1", ("amd64",), archive="other")

    def test_other_contents(self) -> None:
        """One version has one content in all suites of an archive, since they share a pool."""
        self.submit("hello", "1.0-1")
        other = {"suite": "bookworm-security", "contents": "changed"}
        self.assert_refused("other contents", "hello", "1.0-1", **other)
        self.add_archive("other")
        self.submit("hello", "1.0-1", archive="other", contents="changed")

    def test_older(self) -> None:
        """A version older than one that the suite has is refused; Debian's order decides."""
        self.submit("hello", "1.0-10")
        self.assert_refused("is older than 1.0-10", "hello", "1.0-9")
        self.assert_refused("is older than 1.0-10", "hello", "1.0-10~rc1", contents="rc")
        self.submit("hello", "1.0-9", suite="bookworm-security")
        self.submit("other", "1.0-9")

    def test_older_than_what_was_withdrawn(self) -> None:
        """A version whose builds were all cancelled is in nobody's way."""
        mistake = self.submit("hello", "20.0-1")
        self.act(builds.cancel, mistake, "alice", self.now())
        self.submit("hello", "2.0-1")

    def test_older_than_what_failed(self) -> None:
        """A version that failed can still be built, so an older one is refused."""
        self.submit("hello", "2.0-1")
        self.end(self.start(self.add_builder()), BuildOutcome.PACKAGEFAIL)
        self.assert_refused("is older", "hello", "1.0-1")


class TestSupersede(StorageTestCase):
    def test_waiting(self) -> None:
        """A newer version ends the waiting builds of older ones, and says so in their story."""
        old = self.submit("hello", "1.0-1")
        other_suite = self.submit("hello", "1.0-1", suite="bookworm-security")
        new = self.submit("hello", "1.0-2")
        self.assertIn(BuildEnded(old), self.announced)
        build = self.build(old)
        self.assertEqual(
            (BuildState.SUPERSEDED, self.now(), "superseded by 1.0-2"),
            (build.state, build.finished, build.reason),
        )
        self.assertFalse(self.is_queued(old))
        self.assertEqual("NEEDSBUILD>SUPERSEDED", self.story(old)[-1])
        self.assertIs(BuildState.NEEDSBUILD, self.state(other_suite))
        self.assertIs(BuildState.NEEDSBUILD, self.state(new))

    def test_running(self) -> None:
        """A running build of an older version is superseded when it ends, however it ends."""
        bob, eve = self.add_builder("bob"), self.add_builder("eve")
        good = self.submit("hello", "1.0-1", ("amd64",))
        first = self.start(bob)
        lost = self.submit("world", "1.0-1", ("amd64",))
        second = self.start(eve)
        self.submit("hello", "1.0-2", ("arm64",))
        self.submit("world", "1.0-2", ("arm64",))
        self.assertIs(BuildState.BUILDING, self.state(good))
        standing = self.ask(orders.open_orders)[bob.id].standing
        self.assertTrue(standing.superseded)
        self.gather(first)
        self.lose(second)
        for build_id in (good, lost):
            self.assertIs(BuildState.SUPERSEDED, self.state(build_id))
            self.assertFalse(self.is_queued(build_id))

    def test_uploading(self) -> None:
        """Results that wait for their upload are published: the archive decides what is newer."""
        old = self.submit("hello", "1.0-1")
        order = self.start(self.add_builder())
        self.gather(order)
        self.submit("hello", "1.0-2")
        self.publish(order)
        self.assertIs(BuildState.FULLYBUILT, self.state(old))

    def test_an_older_version_that_somebody_insists_on(self) -> None:
        """A superseded build that is retried is built: what was newer then does not count."""
        bob = self.add_builder()
        old = self.submit("hello", "1.0-1")
        self.submit("hello", "1.0-2", ("arm64",))
        self.act(builds.retry, old, False, "alice", self.now())
        order = self.start(bob)
        self.assertFalse(order.standing.superseded)
        self.gather(order)
        self.assertIs(BuildState.UPLOADING, self.state(old))


class TestEstimates(StorageTestCase):
    def built(self, seconds: float, *args: Any, **kwargs: Any) -> None:
        """Let a build be published that took so long."""
        self.submit(*args, **kwargs)
        architectures = kwargs.get("architectures", ("amd64",))
        name = f"bob-{architectures[0]}"
        known = [one.name for one in self.ask(roster.builders)]
        builder = (
            self.builder(name)
            if name in known
            else self.add_builder(name, processors=architectures)
        )
        order = self.start(builder)
        self.pass_time(seconds)
        self.gather(order)
        self.publish(order)

    def test_nearest_kind(self) -> None:
        """An estimate is the median of what is nearest: this source, it elsewhere, anything."""
        self.assertEqual(300.0, self.ask(durations.estimate, "hello", "amd64"))
        self.built(40, "other", "1.0-1")
        self.assertEqual(40.0, self.ask(durations.estimate, "hello", "amd64"))
        self.built(20, "hello", "1.0-1", architectures=("arm64",))
        self.assertEqual(20.0, self.ask(durations.estimate, "hello", "amd64"))
        for number, seconds in enumerate((10, 1000, 12)):
            self.built(seconds, "hello", f"1.0-{number + 2}")
        self.assertEqual(12.0, self.ask(durations.estimate, "hello", "amd64"))

    def test_in_the_queue(self) -> None:
        """A build waits with the estimate of the moment at which it was submitted."""
        self.built(42, "hello", "1.0-1")
        entry = self.ask(queue.queue_entry, self.submit("hello", "1.0-2"))
        assert entry is not None
        self.assertEqual(42.0, entry.estimated_duration)

    def test_what_failed_does_not_count(self) -> None:
        """Builds that failed say nothing of how long one takes."""
        self.submit("hello", "1.0-1")
        order = self.start(self.add_builder())
        self.pass_time(1)
        self.end(order, BuildOutcome.PACKAGEFAIL)
        self.assertEqual(300.0, self.ask(durations.estimate, "hello", "amd64"))


class TestChrootOfSuite(StorageTestCase):
    def test_by_series(self) -> None:
        """A suite with a pocket is built in the chroot of its series."""
        self.submit("hello", suite="bookworm-security")
        order = self.start(self.add_builder())
        chroot = self.ask(chroots.chroot_of, "debian", "bookworm", "amd64")
        assert chroot is not None
        self.assertEqual(chroots.tarball(chroot), order.chroot)

    def test_the_newest(self) -> None:
        """A build starts from the chroot that is set when it is claimed."""
        self.submit()
        old = self.ask(chroots.chroot_of, "debian", "bookworm", "amd64")
        assert old is not None
        new = replace(old, sha1="f" * 40)
        self.act(chroots.set_chroot, new, "root", self.now())
        self.assertEqual("f" * 40, self.start(self.add_builder()).chroot.sha1)
