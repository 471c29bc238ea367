"""Why a build waits, what it is doing, or what became of it."""

from dataclasses import replace

from buildfarm.explaining.facts import Facts
from buildfarm.explaining.why import Why, explain
from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.farmtesting.snapshots import (
    a_build,
    a_builder,
    a_requirement,
    after,
    an_attempt,
    an_entry,
    an_event,
)
from buildfarm.verdicts.candidates import Rule
from buildfarm.vocab.depwait import DepWait
from buildfarm.vocab.states import AttemptState, BuildState, CleanStatus
from tests.unit.explaining.cases import BUSY, HELD, IDLE, NOW


def why(facts: Facts, *pauses: str) -> Why:
    """The answer at this moment."""
    return explain(facts, pauses, NOW)


class TestWaiting(FarmTestCase):
    def test_next(self) -> None:
        """A build that is first, with an idle builder, is told to start at once."""
        found = why(IDLE)
        self.assertEqual(
            (
                "It waits, at position 1 of the builds of its kind.",
                "Builders that could take it: 1 of 1.",
                "It will probably start in less than a minute.",
            ),
            found.summary,
        )
        self.assertEqual(["bob is free and takes it next."], [b.sentence for b in found.builders])
        self.assertEqual((1, 0.0), (found.position, found.estimated_start))
        self.assertIn("Nothing needs to be done", found.remedy or "")

    def test_failing(self) -> None:
        """A builder that could take it but does not answer is told with its last failure."""
        failing = {1: "fails, 3 times in a row: http://bob did not answer\x1b[2J within 60 s"}
        found = explain(IDLE, (), NOW, failing)
        [bob] = found.builders
        self.assertEqual(Rule.FAILING, bob.rule)
        self.assertEqual(
            "bob fails, 3 times in a row: http://bob did not answer\\x1b[2J within 60 s.",
            bob.sentence,
        )
        self.assertIn("Builders that could take it: 0 of 1.", found.summary)
        self.assertIn("See to the builders that fail", found.remedy or "")

    def test_busy(self) -> None:
        """A busy builder is told with what it builds, and when it may be free."""
        found = why(BUSY)
        [bob] = found.builders
        self.assertEqual(Rule.BUSY, bob.rule)
        self.assertEqual(
            "bob is building build 3 (other 1.0 amd64 in main/bookworm).", bob.sentence
        )
        self.assertIn("Builders that could take it: 1 of 1, 1 of them busy.", found.summary)
        self.assertEqual("It will probably start in about 3 minutes.", found.summary[-1])
        self.assertEqual(
            "Nothing needs to be done: a builder that fits must become free.", found.remedy
        )

    def test_busy_with_something_private(self) -> None:
        """What a builder has in hand is told only to who may know of its archive."""
        held = replace(HELD, archive="secret", private=True)
        facts = replace(BUSY, held={1: held})
        for seen, told in (
            (None, "build 3 (other 1.0 amd64 in main/bookworm)"),
            (frozenset({"secret"}), "build 3 (other 1.0 amd64 in main/bookworm)"),
            (frozenset({"main"}), "something private"),
        ):
            [bob] = explain(facts, (), NOW, {}, seen).builders
            self.assertIn(f" {told}", bob.sentence)

    def test_behind_others(self) -> None:
        """Builders that could start at once say how many builds go first."""
        for position, words in ((2, "1 build goes first"), (4, "3 builds go first")):
            [bob] = why(replace(IDLE, position=position)).builders
            self.assertEqual(f"bob could take it, but {words}.", bob.sentence)

    def test_each_builder(self) -> None:
        """Every builder is told with its first rule, those that come nearest to it first."""
        builders = (
            a_builder(id=1, name="arm", processors=("arm64",)),
            a_builder(id=2, name="dirty", clean_status=CleanStatus.DIRTY),
            a_builder(id=3, name="free"),
            a_builder(id=4, name="out", builderok=False, failnotes="broken"),
        )
        answers = [
            (one.builder, one.rule) for one in why(replace(IDLE, builders=builders)).builders
        ]
        self.assertEqual(
            [
                ("free", Rule.QUEUE),
                ("dirty", Rule.DIRTY),
                ("arm", Rule.ARCHITECTURE),
                ("out", Rule.DISABLED),
            ],
            answers,
        )

    def test_nobody_will_ever(self) -> None:
        """Where no builder fits, what must be added is named."""
        entry = an_entry(
            requirement=a_requirement(processor="arm64", virtualized=True, resources=("gpu",))
        )
        found = why(replace(IDLE, entry=entry))
        self.assertEqual(
            "Add a virtual builder for arm64 that offers gpu: "
            "no builder of this farm will ever take it.",
            found.remedy,
        )
        self.assertIsNone(found.estimated_start)
        self.assertIn("Builders that could take it: 0 of 1.", found.summary)

    def test_taken_out(self) -> None:
        """Builders that fit and were taken out are offered as the remedy, others are not."""
        builders = (
            a_builder(id=1, name="arm", processors=("arm64",), builderok=False),
            a_builder(id=2, name="hand", manual=True),
            a_builder(id=3, name="sick", builderok=False),
        )
        found = why(replace(IDLE, builders=builders))
        self.assertEqual(
            "Put one of these back to use (`builder set NAME --ok --auto`): hand, sick; "
            "or add a non-virtual builder for amd64.",
            found.remedy,
        )

    def test_delayed(self) -> None:
        """A build that was given back says when it may start, and why it waits until then."""
        facts = replace(
            IDLE,
            build=a_build(reason="bob ended the build with GIVENBACK: queued again."),
            entry=an_entry(not_before=after(700)),
            position=None,
        )
        found = why(facts)
        self.assertEqual(
            "It may not start before 00:11:40 UTC: "
            "bob ended the build with GIVENBACK: queued again.",
            found.summary[0],
        )
        self.assertEqual("It will probably start in about 10 minutes.", found.summary[-1])
        self.assertIn("delay passes", found.remedy or "")
        self.assertEqual("bob could take it, but it may not start yet.", found.builders[0].sentence)

    def test_the_farm_pauses(self) -> None:
        """What the farm reports is said first, and is what must end; no start is foretold."""
        found = why(IDLE, "the disk is full (since 2026-01-01 00:00:00 UTC)")
        self.assertEqual(
            "The farm reports: the disk is full (since 2026-01-01 00:00:00 UTC).", found.summary[0]
        )
        self.assertIn("must end", found.remedy or "")
        self.assertIsNone(found.estimated_start)

    def test_no_builders(self) -> None:
        """A farm without builders says so."""
        found = why(replace(IDLE, builders=()))
        self.assertIn("Builders that could take it: 0 of 0.", found.summary)
        self.assertIn("Add a non-virtual builder for amd64", found.remedy or "")


class TestUnderWay(FarmTestCase):
    def test_where(self) -> None:
        """A build that runs says what it does and where."""
        build = a_build(state=BuildState.BUILDING)
        found = why(Facts(build, (an_attempt(),)))
        self.assertEqual(("It is being built: attempt 1, on bob.",), found.summary)
        self.assertEqual(((), None, None), (found.builders, found.remedy, found.position))

    def test_results_that_cannot_be_kept(self) -> None:
        """Where results are waited for, what keeps the farm from taking them is said first."""
        gathering = Facts(a_build(state=BuildState.GATHERING), (an_attempt(),))
        self.assertEqual(
            "The farm reports: the disk is full.", why(gathering, "the disk is full").summary[0]
        )
        building = Facts(a_build(state=BuildState.BUILDING), (an_attempt(),))
        self.assertEqual(why(building), why(building, "the disk is full"))

    def test_an_archive_that_is_away(self) -> None:
        """An upload that is tried again says how often, what went wrong and when it is next."""
        attempt = an_attempt(
            state=AttemptState.GATHERED, tries=3, last_error="it is locked.", next_try=after(200)
        )
        found = why(Facts(a_build(state=BuildState.UPLOADING), (attempt,)))
        self.assertEqual(
            "Tries to publish it that failed: 3, the last: it is locked; "
            "the next try is at 00:03:20 UTC.",
            found.summary[1],
        )


class TestEnded(FarmTestCase):
    def test_reason(self) -> None:
        """A build that has ended says how and why, with its story."""
        build = a_build(state=BuildState.FAILEDTOBUILD, reason="the package does not build.")
        found = why(Facts(build, (), (an_event(1, "submitted by anna"),)))
        self.assertEqual(("It failed to build: the package does not build.",), found.summary)
        self.assertEqual(("2026-01-01 00:00:01 submitted by anna",), found.story)

    def test_dependencies(self) -> None:
        """A build that waits for packages names them and says what to do then."""
        build = a_build(state=BuildState.MANUALDEPWAIT, dependencies="libfoo-dev (>= 2)")
        self.assertEqual(
            (
                "It waits for dependencies.",
                (
                    "Once libfoo-dev (>= 2) can be installed, it is retried by itself; "
                    "nobody has looked for that yet."
                ),
            ),
            why(Facts(build)).summary,
        )

    def test_looked_for(self) -> None:
        """It says when that was looked for last, and what was found."""
        build = a_build(state=BuildState.MANUALDEPWAIT, dependencies="foo")
        looked = DepWait(build.id, "foo", 0, None, BEGINNING, "state", "Not there: foo.")
        self.assertEqual(
            "Once foo can be installed, it is retried by itself; last looked for at "
            "2026-01-01 00:00:00 UTC. Not there: foo.",
            why(Facts(build, dep_wait=looked)).summary[1],
        )
        self.assertIn(
            "as it was 2 times; when it still comes back for that, retry it by hand.",
            why(Facts(build, dep_wait=replace(looked, tries=2))).summary[1],
        )

    def test_strangers_words(self) -> None:
        """What a builder said of dependencies is shown escaped, on one line."""
        build = a_build(state=BuildState.MANUALDEPWAIT, dependencies="lib\x1b[2J\nfoo")
        self.assertIn("lib\\x1b[2J foo", why(Facts(build)).summary[1])


class TestEveryState(FarmTestCase):
    def test_every_state_is_explained(self) -> None:
        """Whatever state a build is in, there is an answer, in words."""
        for state in set(BuildState) - {BuildState.NEEDSBUILD}:
            found = why(Facts(a_build(state=state), (an_attempt(),)))
            self.assertEqual(state, found.state)
            self.assertTrue(all(one.endswith(".") for one in found.summary), found.summary)
            self.assertNotIn(state.value, found.summary[0])
