"""What a builder did, read from its events."""

from datetime import timedelta

from buildfarm.farmtesting.cases import BEGINNING
from buildfarm.storage import roster
from buildfarm.storage.timelines import builder_spans
from buildfarm.vocab.builder import BuilderSnapshot
from tests.unit.storage.cases import StorageTestCase


class BuilderSpansTests(StorageTestCase):
    def told(
        self, bob: BuilderSnapshot, since: float = 0, seen: frozenset[str] | None = frozenset()
    ) -> list[tuple[str, int | None, float]]:
        """Kind, build and seconds of each span."""
        start = BEGINNING + timedelta(seconds=since)
        found = self.ask(builder_spans, self.builder("bob"), start, self.now(), seen)
        return [(one.kind.value, one.build_id, one.duration.total_seconds()) for one in found]

    def test_a_life(self) -> None:
        """Added, cleaned, idle, building, dirty again, out of service, back."""
        self.pass_time(5)
        bob = self.add_builder(clean=False)
        self.pass_time(10)
        self.act(roster.change_builder, "bob", {"clean_status": "CLEAN"}, "root", self.now())
        self.pass_time(20)
        build_id = self.submit()
        order = self.start(bob)
        self.pass_time(40)
        self.gather(order)
        self.pass_time(8)
        self.act(roster.change_builder, "bob", {"builderok": False}, "root", self.now())
        self.pass_time(16)
        self.assertEqual(
            [
                ("resetting", None, 10),
                ("idle", None, 20),
                ("building", build_id, 40),
                ("resetting", None, 8),
                ("failed", None, 16),
            ],
            self.told(bob),
        )
        self.assertEqual([("resetting", None, 3), ("failed", None, 16)], self.told(bob, 80))
        self.act(roster.change_builder, "bob", {"builderok": True}, "root", self.now())
        self.pass_time(1)
        self.assertEqual(("resetting", None, 1), self.told(bob)[-1])

    def test_a_build_that_runs(self) -> None:
        """Until now, also where no event of the time tells of it."""
        bob = self.add_builder()
        build_id = self.submit()
        self.start(bob)
        self.pass_time(100)
        self.assertEqual([("building", build_id, 60)], self.told(bob, 40))

    def test_private_builds_have_no_number(self) -> None:
        """But for those who may see their archive."""
        self.add_archive("secret", private=True)
        bob = self.add_builder()
        build_id = self.submit(archive="secret")
        order = self.start(bob)
        self.pass_time(7)
        self.assertEqual([("building", None, 7)], self.told(bob))
        self.assertEqual([("building", build_id, 7)], self.told(bob, 0, frozenset({"secret"})))
        self.gather(order)
        self.assertEqual([("building", None, 7)], self.told(bob))
        self.assertEqual([("building", build_id, 7)], self.told(bob, 0, None))
