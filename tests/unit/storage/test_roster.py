"""What operators say of builders: added, changed, removed, and what is refused."""

from buildfarm.storage import attempts, events, queue, roster
from buildfarm.vocab.announcements import BuilderChanged, WorkArrived
from buildfarm.vocab.builder import NewBuilder
from buildfarm.vocab.errors import Refused, StaleState
from buildfarm.vocab.states import (
    AttemptOutcome,
    BuildState,
    CleanStatus,
    ResetProtocol,
)
from tests.unit.storage.cases import StorageTestCase

VIRTUAL = {
    "virtualized": True,
    "vm_host": "host",
    "vm_reset_protocol": ResetProtocol.SYNCHRONOUS,
}


class TestAdd(StorageTestCase):
    def test_new(self) -> None:
        """A new builder is dispatchable once it was cleaned, and is announced."""
        new = NewBuilder(
            "bob",
            "http://bob:8221",
            ("arm64", "amd64"),
            title="Bob",
            open_resources=("large", "fast"),
            restricted_resources=("gpu",),
            virtualized=True,
            vm_host="host",
            vm_reset_protocol=ResetProtocol.ASYNCHRONOUS,
        )
        bob = self.act(roster.add_builder, new, "root", self.now())
        self.assertEqual([BuilderChanged(bob.id)], self.announced)
        self.assertEqual(bob, self.builder("bob"))
        self.assertEqual(("amd64", "arm64"), bob.processors)
        self.assertEqual(
            (("fast", "large"), ("gpu",)), (bob.open_resources, bob.restricted_resources)
        )
        self.assertIs(ResetProtocol.ASYNCHRONOUS, bob.vm_reset_protocol)
        self.assertIs(CleanStatus.DIRTY, bob.clean_status)
        self.assertTrue(bob.dispatchable)
        [told] = self.ask(events.events_of_builder, bob.id)
        self.assertEqual(("root", "bob"), (told.actor, told.builder))

    def test_taken(self) -> None:
        """A name is one builder's."""
        self.add_builder()
        refused = self.assertRaises(Refused, self.add_builder)
        self.assertIn("bob", str(refused))

    def test_one_builder_at_a_url(self) -> None:
        """Two at one URL would find each other's builds and be taken out; a removed one may go."""
        bob = self.add_builder("bob")
        new = NewBuilder("eve", f"{bob.url}/", ("amd64",))
        refused = self.assertRaises(Refused, self.act, roster.add_builder, new, "root", self.now())
        self.assertIn("bob", str(refused))
        self.act(roster.remove_builder, "bob", False, "root", self.now())
        self.act(roster.add_builder, new, "root", self.now())

    def test_no_name(self) -> None:
        """A name is safe in paths, addresses and arguments."""
        for name in ("", "-rf", "../etc", "Bob", "a b", "b\n", "x" * 300):
            self.assertRaises(Refused, self.add_builder, name)

    def test_incomplete(self) -> None:
        """A builder that nothing can be done with is refused whole."""
        self.assertRaises(Refused, self.add_builder, processors=())
        for field in ("vm_host", "vm_reset_protocol"):
            refused = self.assertRaises(Refused, self.add_builder, **{**VIRTUAL, field: None})
            self.assertIn("VM host", str(refused))
        self.assertEqual((), self.ask(roster.builders, True))

    def test_changed_by_another_meanwhile(self) -> None:
        """What was decided on what is no more is not written; what moves by itself is no other."""
        seen = self.add_builder("bob")

        def change(**changes: object) -> None:
            self.act(roster.change_builder, "bob", changes, "root", self.now(), seen=seen)

        self.act(roster.change_builder, "bob", {"failure_count": 4}, "root", self.now())
        change(manual=True)
        self.assertRaises(StaleState, change, title="Bob")
        self.assertEqual(True, self.ask(roster.builder_named, "bob").manual)

    def test_back_again(self) -> None:
        """A builder that was removed comes back with its history and nothing else of before."""
        before = self.add_builder(title="old")
        self.act(roster.change_builder, "bob", {"failure_count": 4}, "root", self.now())
        self.act(roster.remove_builder, "bob", False, "root", self.now())
        after = self.add_builder(clean=False)
        self.assertEqual(before.id, after.id)
        self.assertEqual(
            ("", 0, CleanStatus.DIRTY, True),
            (after.title, after.failure_count, after.clean_status, after.active),
        )
        self.assertTrue(len(self.ask(events.events_of_builder, after.id)) > 3)


class TestList(StorageTestCase):
    def test_by_name(self) -> None:
        """Builders are listed by name, removed ones only if asked for."""
        for name in ("joe", "bob", "eve"):
            self.add_builder(name)
        self.act(roster.remove_builder, "eve", False, "root", self.now())
        self.assertEqual(["bob", "joe"], [one.name for one in self.ask(roster.builders)])
        everyone = self.ask(roster.builders, include_inactive=True)
        self.assertEqual(["bob", "eve", "joe"], [one.name for one in everyone])

    def test_unknown(self) -> None:
        """A name that nobody has is said."""
        refused = self.assertRaises(Refused, self.builder, "bob")
        self.assertEqual("There is no builder 'bob'.", str(refused))


class TestChange(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()

    def change(self, **changes: object) -> None:
        """Change the builder."""
        self.act(roster.change_builder, "bob", changes, "root", self.now())

    def test_every_field(self) -> None:
        """Every field that an operator describes can be changed, and the change is announced."""
        self.change(
            title="Bob",
            url="https://bob:8221",
            processors=["i386"],
            virtualized=True,
            vm_host="host",
            vm_reset_protocol="2.0",
            open_resources=["large"],
            restricted_resources=["gpu"],
            manual=True,
        )
        self.assertEqual([BuilderChanged(self.bob.id)], self.announced)
        bob = self.builder("bob")
        self.assertEqual(
            ("Bob", "https://bob:8221", ("i386",), True, "host"),
            (bob.title, bob.url, bob.processors, bob.virtualized, bob.vm_host),
        )
        self.assertIs(ResetProtocol.ASYNCHRONOUS, bob.vm_reset_protocol)
        self.assertEqual((("large",), ("gpu",)), (bob.open_resources, bob.restricted_resources))
        self.assertFalse(bob.dispatchable)

    def test_put_back(self) -> None:
        """A builder that is put back has its failures forgotten."""
        self.change(builderok=False, failnotes="broken", failure_count=5)
        self.assertEqual("broken", self.builder("bob").failnotes)
        self.change(builderok=True)
        bob = self.builder("bob")
        self.assertEqual((True, None, 0), (bob.builderok, bob.failnotes, bob.failure_count))

    def test_the_end_of_a_reset(self) -> None:
        """An operator's infrastructure reports a builder clean."""
        self.change(clean_status="DIRTY")
        self.pass_time(60)
        self.change(clean_status=CleanStatus.CLEAN)
        bob = self.builder("bob")
        self.assertEqual(
            (CleanStatus.CLEAN, self.now()), (bob.clean_status, bob.date_clean_status_changed)
        )
        told = self.ask(events.events_of_builder, bob.id)[-1]
        self.assertEqual(("root", "DIRTY", "CLEAN"), (told.actor, told.before, told.after))

    def test_a_builder_that_works(self) -> None:
        """Nobody declares a builder clean that holds a job."""
        self.submit()
        self.start(self.bob)
        refused = self.assertRaises(Refused, self.change, clean_status="CLEAN")
        self.assertIn("build 1", str(refused))
        self.change(title="busy")

    def test_impossible(self) -> None:
        """What no builder can be is refused, and nothing of it is kept."""
        for changes in (
            {"processors": []},
            {"virtualized": True},
            {"vm_reset_protocol": "3.0"},
            {"clean_status": "SPOTLESS"},
            {"name": "eve"},
            {"id": 7},
            {"no_such_field": 1},
            {"title": "kept?", "virtualized": True},
        ):
            self.assertRaises(Refused, self.change, **changes)
        self.assertEqual(self.bob, self.builder("bob"))

    def test_nothing(self) -> None:
        """No change is no event."""
        before = len(self.ask(events.events_of_builder, self.bob.id))
        self.change()
        self.assertEqual(before, len(self.ask(events.events_of_builder, self.bob.id)))

    def test_removed(self) -> None:
        """A removed builder is not changed."""
        self.act(roster.remove_builder, "bob", False, "root", self.now())
        self.assertRaises(Refused, self.change, title="ghost")


class TestRemove(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.add_builder()

    def remove(self, *, force: bool = False) -> None:
        """Remove the builder."""
        self.act(roster.remove_builder, "bob", force, "root", self.now())

    def test_idle(self) -> None:
        """An idle builder is removed; its row and its story stay."""
        self.remove()
        self.assertEqual([BuilderChanged(self.bob.id)], self.announced)
        bob = self.builder("bob")
        self.assertEqual((False, False), (bob.active, bob.dispatchable))
        self.assertTrue(self.ask(events.events_of_builder, bob.id))
        self.assertRaises(Refused, self.remove)

    def test_while_a_job_runs(self) -> None:
        """A builder with a job is not removed by accident."""
        build_id = self.submit()
        self.start(self.bob)
        refused = self.assertRaises(Refused, self.remove)
        self.assertIn("--force", str(refused))
        self.assertIs(BuildState.BUILDING, self.state(build_id))

    def test_by_force(self) -> None:
        """Removed by force, its job waits for another builder, and is announced."""
        build_id = self.submit()
        order = self.start(self.bob)
        self.remove(force=True)
        self.assertEqual({BuilderChanged(self.bob.id), WorkArrived((1,))}, set(self.announced))
        self.assertIs(BuildState.NEEDSBUILD, self.state(build_id))
        self.assertEqual(1, self.ask(queue.queue_position, build_id))
        [attempt] = self.ask(attempts.attempts_of, build_id)
        self.assertIs(AttemptOutcome.LOST, attempt.outcome)
        self.assertRaises(StaleState, self.gather, order)

    def test_after_its_results_were_fetched(self) -> None:
        """A builder whose results wait for their upload holds nothing any more."""
        self.submit()
        self.gather(self.start(self.bob))
        self.remove()
