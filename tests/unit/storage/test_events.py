"""The story of the farm, as it is written and told."""

from buildfarm.storage import events
from buildfarm.storage.acts import Committed
from buildfarm.storage.events import Change, Place
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.unit.storage.cases import StorageTestCase


class TestEvents(StorageTestCase):
    def test_a_whole_life(self) -> None:
        """Every transition of a build and its attempt is told, in its order, by whom and why."""
        bob = self.add_builder()
        build_id = self.submit()
        self.pass_time(5)
        order = self.start(bob)
        self.gather(order)
        self.publish(order)
        self.assertEqual(
            [
                ">NEEDSBUILD",
                ">CLAIMED",
                "NEEDSBUILD>BUILDING",
                "CLAIMED>SENT",
                "SENT>GATHERED",
                "BUILDING>UPLOADING",
                "GATHERED>CLOSED",
                "UPLOADING>FULLYBUILT",
            ],
            self.story(build_id),
        )
        first, claimed, *_ = self.ask(events.events_of_build, build_id)
        self.assertEqual(("alice", "submitted by alice"), (first.actor, first.reason))
        self.assertEqual(
            ("buildd-manager", "bob", build_id, 1, self.now()),
            (claimed.actor, claimed.builder, claimed.build_id, claimed.attempt, claimed.time),
        )

    def test_of_a_builder(self) -> None:
        """A builder's story has its own transitions and those of its jobs."""
        bob = self.add_builder()
        self.submit()
        self.end(self.start(bob), BuildOutcome.PACKAGEFAIL)
        told = [event.after for event in self.ask(events.events_of_builder, bob.id)]
        self.assertEqual(
            ["DIRTY", "CLEAN", "CLAIMED", "BUILDING", "DIRTY", "SENT", "CLOSED", "FAILEDTOBUILD"],
            [state for state in told if state],
        )

    def test_the_latest(self) -> None:
        """A listing shows the latest events only, the oldest of them first."""
        build_id = self.submit()
        self.end(self.start(self.add_builder()), BuildOutcome.PACKAGEFAIL)
        last = self.ask(events.events_of_build, build_id, 2)
        self.assertEqual(["CLOSED", "FAILEDTOBUILD"], [event.after for event in last])

    def test_many_at_once(self) -> None:
        """One act may tell of hundreds of things."""
        build_id = self.submit()

        def act(store: object) -> Committed[None]:
            place = Place(build_id)
            many = [Change(place, f"reason {number}") for number in range(120)]
            events.record(store, self.now(), many, "alice")
            return Committed(None)

        self.act(act)
        told = [event.reason for event in self.ask(events.events_of_build, build_id)]
        self.assertEqual([f"reason {number}" for number in range(120)], told[1:])

    def test_nothing_to_tell(self) -> None:
        """An act that changed nothing writes nothing."""
        before = self.rows("SELECT COUNT(*) FROM event")
        events.record(self.store, self.now(), [])
        self.assertEqual(before, self.rows("SELECT COUNT(*) FROM event"))

    def test_what_strangers_wrote(self) -> None:
        """A reason is kept as it was written, whatever is in it; showing it is for others."""
        build_id = self.submit()
        reason = "\x1b[31m'; DROP TABLE event; --\udcff".encode("utf-8", "replace").decode()
        change = Change(Place(build_id), reason, None, BuildState.BUILDING)
        events.record(self.store, self.now(), [change])
        self.store.commit()
        self.assertEqual(reason, self.ask(events.events_of_build, build_id)[-1].reason)

    def test_forgetting(self) -> None:
        """Events from before a moment are forgotten, some at a time, the oldest first."""
        for number in range(5):
            self.submit(f"package{number}")
            self.pass_time(10)
        early = self.later(-25)
        count = len(self.rows(f"SELECT id FROM event WHERE time < '{early}'"))
        self.assertEqual(2, self.act(events.forget_events, early, 2))
        self.assertEqual(count - 2, self.act(events.forget_events, early, 1000))
        self.assertEqual(0, self.act(events.forget_events, early, 1000))
        self.assertEqual(2, len(self.rows("SELECT id FROM event")))
