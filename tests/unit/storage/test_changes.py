"""What has changed since an event."""

from buildfarm.storage.changes import changes_after
from buildfarm.storage.glance import last_event
from tests.unit.storage.cases import StorageTestCase


class ChangesTests(StorageTestCase):
    def test_what_came_after(self) -> None:
        """Each event once, in order, with its builder and its build."""
        before = self.ask(last_event)
        bob = self.add_builder()
        build_id = self.submit()
        self.start(bob)
        found = self.ask(changes_after, before)
        self.assertEqual(
            [("bob", None), ("bob", None), (None, build_id)],
            [(one.builder, one.build_id) for one in found[:3]],
        )
        self.assertEqual(("bob", build_id), (found[-1].builder, found[-1].build_id))
        self.assertEqual(sorted(one.event for one in found), [one.event for one in found])
        self.assertEqual((), self.ask(changes_after, self.ask(last_event)))

    def test_private_builds_are_nothing_to_others(self) -> None:
        """Who may see their archive is told."""
        self.add_archive("secret", private=True)
        before = self.ask(last_event)
        build_id = self.submit(archive="secret")
        [change] = self.ask(changes_after, before)
        told = [change.build_seen(seen) for seen in (frozenset(), frozenset({"secret"}), None)]
        self.assertEqual([None, build_id, build_id], told)
