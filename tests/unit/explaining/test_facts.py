"""What an explanation reads from the database."""

from buildfarm.explaining.facts import facts_of, told_to
from buildfarm.explaining.why import explain
from buildfarm.storage import roster, uploads
from buildfarm.verdicts.candidates import Rule
from buildfarm.verdicts.permissions import OWN_TROUBLE
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.unit.storage.cases import StorageTestCase


class TestFactsOf(StorageTestCase):
    def test_a_waiting_build(self) -> None:
        """For a waiting build the whole farm is read: what runs, who waits before it."""
        bob = self.add_builder("bob")
        self.add_builder("eve")
        running = self.submit("first", score=9)
        self.start(bob)
        ahead = self.submit("second", score=5)
        build_id = self.submit("third")
        facts = self.ask(facts_of, build_id)
        self.assertEqual(build_id, facts.build.id)
        self.assertEqual(2, facts.position)
        self.assertEqual([ahead], [one.build_id for one in facts.ahead])
        self.assertEqual(["bob", "eve"], [one.name for one in facts.builders])
        self.assertEqual(running, facts.held[bob.id].build_id)
        self.assertEqual(["NEEDSBUILD"], [event.after for event in facts.events])

    def test_a_build_that_has_ended(self) -> None:
        """For any other build its attempts and events are all that matters."""
        build_id = self.submit()
        order = self.start(self.add_builder())
        self.end(order, BuildOutcome.PACKAGEFAIL)
        facts = self.ask(facts_of, build_id)
        self.assertEqual(BuildState.FAILEDTOBUILD, facts.build.state)
        self.assertEqual([1], [attempt.number for attempt in facts.attempts])
        self.assertEqual(((), {}, None), (facts.builders, facts.held, facts.entry))

    def test_removed_builders(self) -> None:
        """A builder that was removed is no part of the farm."""
        self.add_builder("bob")
        self.add_builder("eve")
        self.act(roster.remove_builder, "eve", False, "root", self.now())
        facts = self.ask(facts_of, self.submit())
        self.assertEqual(["bob"], [one.name for one in facts.builders])

    def test_no_such_build(self) -> None:
        """What does not exist is refused."""
        self.assertRaises(Refused, self.ask, facts_of, 99)


class TestToldTo(StorageTestCase):
    def test_an_upload_in_trouble(self) -> None:
        """Why results cannot be published yet is told to moderators, others learn that it is so."""
        build_id = self.submit()
        order = self.start(self.add_builder())
        self.gather(order)
        self.act(
            uploads.postpone_upload,
            self.epoch,
            order.attempt.id,
            "/srv/secret is full",
            self.now(),
            self.now(),
        )
        facts = self.ask(facts_of, build_id)

        def told(seen: frozenset[str] | None) -> str:
            found = explain(told_to(seen, facts), (), self.now(), seen=seen)
            return "\n".join((*found.summary, *found.story))

        self.assertEqual(2, told(None).count("/srv/secret is full"))
        self.assertNotIn("/srv/secret", told(frozenset({"main"})))
        self.assertIn(OWN_TROUBLE, told(frozenset()))


class TestExplained(StorageTestCase):
    def test_a_life(self) -> None:
        """From the queue over a lost attempt to its failure, the answer follows the build."""
        bob = self.add_builder()
        build_id = self.submit()

        def why() -> tuple[BuildState, list[Rule], str]:
            found = explain(self.ask(facts_of, build_id), (), self.now())
            return found.state, [one.rule for one in found.builders], found.summary[0]

        self.assertEqual(
            (
                BuildState.NEEDSBUILD,
                [Rule.QUEUE],
                "It waits, at position 1 of the builds of its kind.",
            ),
            why(),
        )
        order = self.start(bob)
        self.assertEqual((BuildState.BUILDING, [], "It is being built: attempt 1, on bob."), why())
        self.lose(order)
        self.assertEqual([Rule.DIRTY], why()[1])
        self.end(self.start(bob), BuildOutcome.PACKAGEFAIL)
        self.assertEqual(
            (
                BuildState.FAILEDTOBUILD,
                [],
                (
                    "It failed to build: "
                    "bob ended the build with PACKAGEFAIL: the package does not build."
                ),
            ),
            why(),
        )
        told = explain(self.ask(facts_of, build_id), (), self.now()).story
        self.assertEqual(3, len(told), told)
