"""Dep-waits: which builds are checked, what is recorded of that, and what follows."""

from buildfarm.storage import builds, depwaits, outbox, rechecks
from buildfarm.storage.events import events_of_build
from buildfarm.vocab.depwait import Check, Waiting
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.unit.storage.cases import StorageTestCase, stored

_NEEDS = "libfoo-dev (>= 1.2)"


class DepWaitCase(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder("bob")
        self.build_id = self.submit("hello")
        self.wait()

    def wait(self, dependencies: str = _NEEDS) -> None:
        """Have the waiting build end in want of something."""
        order = self.start(self.bob)
        log = stored("log")
        self.end(order, BuildOutcome.DEPFAIL, log=log, dependencies=dependencies)

    def due(self, max_tries: int = 3) -> tuple[Waiting, ...]:
        """Builds that may be tried again now."""
        return self.ask(depwaits.waiting, self.now(), max_tries, None, 0, 100)

    def check(self, state: str, *, found: bool = False) -> tuple[int, ...]:
        """Record a check of the build; the builds retried."""
        made = Check(self.build_id, state, (("main", state),), "A sentence.", found)
        return self.act(rechecks.settle_checks, [(made, _NEEDS)], 100.0, self.now())


class TestChecks(DepWaitCase):
    def test_due(self) -> None:
        """A build that waits is due, with where its packages come from; others are not."""
        self.submit("other")
        [waiting] = self.due()
        self.assertEqual(
            (self.build_id, _NEEDS, "main", "amd64", None),
            (
                waiting.build_id,
                waiting.dependencies,
                waiting.archive.name,
                waiting.architecture,
                waiting.last,
            ),
        )

    def test_recorded(self) -> None:
        """What was looked at and what was found is kept, and the build goes on waiting."""
        self.assertEqual((), self.check("one"))
        self.assertIs(BuildState.MANUALDEPWAIT, self.state(self.build_id))
        [(time, check)] = self.ask(depwaits.checks_of, self.build_id)
        self.assertEqual((self.now(), (("main", "one"),)), (time, check.looked_at))
        [waiting] = self.due()
        assert waiting.last is not None
        self.assertEqual(("one", "A sentence."), (waiting.last.state, waiting.last.finding))

    def test_none_twice(self) -> None:
        """For one state there is one check, whatever it would find."""
        self.check("one")
        self.assertEqual((), self.check("one", found=True))
        self.assertEqual(1, len(self.ask(depwaits.checks_of, self.build_id)))

    def test_the_last_ones_are_kept(self) -> None:
        """Of each build so many checks are kept."""
        for number in range(depwaits.KEPT + 5):
            self.check(f"state {number}")
        self.assertEqual([(depwaits.KEPT,)], self.rows("SELECT COUNT(*) FROM depwait_check"))

    def test_moved_on(self) -> None:
        """A build that was retried or cancelled meanwhile is not touched."""
        self.act(builds.retry, self.build_id, False, "ann", self.now())
        self.assertEqual((), self.check("one", found=True))
        self.assertEqual((), self.ask(depwaits.checks_of, self.build_id))


class TestRetries(DepWaitCase):
    def test_retried(self) -> None:
        """A build of which all is there waits for a builder again; its story says why."""
        self.assertEqual((self.build_id,), self.check("one", found=True))
        self.assertIs(BuildState.NEEDSBUILD, self.state(self.build_id))
        self.assertTrue(self.is_queued(self.build_id))
        last = self.ask(events_of_build, self.build_id)[-1]
        self.assertEqual(("dep-wait", "retried by itself: A sentence."), (last.actor, last.reason))

    def test_not_endlessly(self) -> None:
        """One that comes back for the same waits ever longer, and then for a person."""
        for tries, delay in ((1, 100), (2, 200)):
            self.assertEqual((self.build_id,), self.check(f"state {tries}", found=True))
            self.wait()
            self.assertEqual((), self.due())
            self.pass_time(delay - 1)
            self.assertEqual((), self.due())
            self.pass_time(1)
            self.assertEqual(1, len(self.due()))
        self.check("state 3", found=True)
        self.wait()
        self.pass_time(1e6)
        self.assertEqual((), self.due())

    def test_comes_back_for_something_else(self) -> None:
        """What it lacks now is a new question, which is looked into at once."""
        self.check("one", found=True)
        self.wait("libbar-dev")
        [waiting] = self.due()
        self.assertEqual(("libbar-dev", None), (waiting.dependencies, waiting.last))

    def test_a_persons_retry_begins_anew(self) -> None:
        """After it the build is tried by itself as often as ever."""
        self.check("one", found=True)
        self.wait()
        self.act(builds.retry, self.build_id, False, "ann", self.now())
        self.wait()
        self.assertEqual(1, len(self.due()))

    def test_told_once(self) -> None:
        """That it waits for the same again is no news."""
        self.act(outbox.address, (), None, self.now())
        self.check("one", found=True)
        self.wait()
        self.assertFalse(self.ask(outbox.has_new))
        self.check("two", found=True)
        self.pass_time(1)
        self.wait("libbar-dev")
        self.assertTrue(self.ask(outbox.has_new))

    def test_sources_that_are_gone(self) -> None:
        """A build that cannot be built again says so, and stays."""
        self.store.execute("UPDATE source SET files = '[]'")
        self.store.commit()
        self.assertEqual((), self.check("one", found=True))
        [(_, check)] = self.ask(depwaits.checks_of, self.build_id)
        self.assertIn("cannot be built again", check.finding)


class TestPublished(StorageTestCase):
    def test_published(self) -> None:
        """What a suite has is counted, and who may have made a package is named with its files."""
        archive = self.add_archive("other")
        bob = self.add_builder("bob")
        self.submit("hello", "2:1.0-1", archive="other")
        order = self.start(bob)
        log = stored("log")
        files = (stored("hello_1.0-1_amd64.deb"), stored("hello.changes"))
        self.end(order, BuildOutcome.OK, log=log, files=files)
        self.publish(order)
        names = frozenset({"hello", "nothing"})
        count, found = self.ask(depwaits.published, archive.id, "bookworm", names)
        self.assertEqual(1, count)
        self.assertEqual((("2:1.0-1", "amd64", ("hello_1.0-1_amd64.deb", "hello.changes")),), found)
        nothing = self.ask(depwaits.published, archive.id, "bookworm-security", names)
        self.assertEqual((0, ()), nothing)
