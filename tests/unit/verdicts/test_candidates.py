"""Which builder may take which build, and what an operator is told of the others."""

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.snapshots import a_builder, a_requirement
from buildfarm.verdicts.candidates import Rule, fits, mismatch
from buildfarm.vocab.build import Requirement
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.states import CleanStatus

#: Everything that can keep a builder from a build asking for `gpu` on amd64, and who has it.
OBSTACLES = {
    Rule.INACTIVE: {"active": False},
    Rule.DISABLED: {"builderok": False, "failnotes": "disk is full."},
    Rule.MANUAL: {"manual": True},
    Rule.ARCHITECTURE: {"processors": ("arm64", "armhf")},
    Rule.VIRTUALIZATION: {"virtualized": True},
    Rule.MISSING_RESOURCE: {"open_resources": ("kvm",)},
    Rule.RESERVED_RESOURCE: {"restricted_resources": ("secret",)},
    Rule.BUSY: {},
    Rule.CLEANING: {"clean_status": CleanStatus.CLEANING},
    Rule.DIRTY: {"clean_status": CleanStatus.DIRTY},
}

ABLE = a_builder(open_resources=("gpu",))
WANTED = a_requirement(resources=("gpu",))

resources = st.lists(st.sampled_from(["gpu", "kvm", "huge", "secret"]), unique=True).map(
    lambda names: tuple(sorted(names))
)
builders = st.builds(
    a_builder,
    processors=st.sampled_from([("amd64",), ("amd64", "i386"), ("arm64",), ()]),
    virtualized=st.booleans(),
    open_resources=resources,
    restricted_resources=resources,
)
requirements = st.builds(
    a_requirement,
    processor=st.sampled_from(["amd64", "i386", "arm64"]),
    virtualized=st.booleans(),
    resources=resources,
)


class TestFits(FarmTestCase):
    def test_same_processor_and_kind(self) -> None:
        """A builder takes builds for each of its processors, and of its own kind only."""
        self.assertTrue(fits(a_builder(), a_requirement(processor="i386")))
        self.assertFalse(fits(a_builder(), a_requirement(processor="arm64")))
        self.assertFalse(fits(a_builder(), a_requirement(virtualized=True)))
        self.assertFalse(fits(a_builder(virtualized=True), a_requirement()))

    def test_open_resources_are_for_everybody(self) -> None:
        """A build that asks for nothing may run where something is offered, but not the reverse."""
        offering = a_builder(open_resources=("gpu", "kvm"))
        self.assertTrue(fits(offering, a_requirement()))
        self.assertTrue(fits(offering, a_requirement(resources=("kvm",))))
        self.assertFalse(fits(a_builder(), a_requirement(resources=("kvm",))))

    def test_restricted_resources_are_for_those_who_ask_for_all(self) -> None:
        """A builder with restricted resources is kept for builds that ask for every one of them."""
        kept = a_builder(open_resources=("kvm",), restricted_resources=("gpu", "huge"))
        self.assertFalse(fits(kept, a_requirement()))
        self.assertFalse(fits(kept, a_requirement(resources=("gpu",))))
        self.assertTrue(fits(kept, a_requirement(resources=("gpu", "huge"))))
        self.assertTrue(fits(kept, a_requirement(resources=("gpu", "huge", "kvm"))))

    @given(builders, requirements)
    def test_same_answer_as_mismatch(
        self, builder: BuilderSnapshot, requirement: Requirement
    ) -> None:
        """A clean idle builder takes a build exactly when no rule is named against it."""
        self.assertEqual(fits(builder, requirement), mismatch(builder, requirement) is None)


class TestMismatch(FarmTestCase):
    def test_nothing_in_the_way(self) -> None:
        """A clean idle builder that fits could start at once."""
        self.assertIsNone(mismatch(ABLE, WANTED))

    def test_every_rule_has_an_obstacle(self) -> None:
        """Each rule but the queue's can be broken alone, and is then the one that is named."""
        self.assertEqual(set(Rule) - {Rule.QUEUE, Rule.FAILING}, set(OBSTACLES))
        for rule, changes in OBSTACLES.items():
            builder = a_builder(**{"open_resources": ("gpu",), **changes})
            found = mismatch(builder, WANTED, "build 3" if rule is Rule.BUSY else None)
            assert found is not None
            self.assertEqual(rule, found.rule)

    def test_the_first_rule_is_named(self) -> None:
        """Of several rules the earliest is told, since it takes the longest to change."""
        changes: dict[str, object] = {"open_resources": ("gpu",)}
        working_on = None
        for rule in reversed(OBSTACLES):
            changes = {**changes, **OBSTACLES[rule]}
            working_on = "build 3" if rule is Rule.BUSY else working_on
            found = mismatch(a_builder(**changes), WANTED, working_on)
            assert found is not None
            self.assertEqual(rule, found.rule)

    def test_busy_before_dirty(self) -> None:
        """A builder that builds is dirty since its claim; what it builds is what is told."""
        found = mismatch(
            a_builder(clean_status=CleanStatus.DIRTY), a_requirement(), "build 3 (hello)"
        )
        assert found is not None
        self.assertEqual(
            (Rule.BUSY, "bob is building build 3 (hello)."), (found.rule, found.sentence)
        )

    def test_sentences(self) -> None:
        """Each rule says in one sentence which builder it is about and what is the matter."""
        told = {}
        for rule, changes in OBSTACLES.items():
            builder = a_builder(**{"open_resources": ("gpu",), **changes})
            found = mismatch(builder, WANTED, "build 3" if rule is Rule.BUSY else None)
            assert found is not None
            told[rule] = found.sentence
        self.assertEqual(
            {
                Rule.INACTIVE: "bob was removed from the farm.",
                Rule.DISABLED: "bob is disabled: disk is full.",
                Rule.MANUAL: "bob is manual: nothing is dispatched to it by itself.",
                Rule.ARCHITECTURE: "bob builds for arm64, armhf, not for amd64.",
                Rule.VIRTUALIZATION: (
                    "bob is virtual, and this build must run on a builder that is not."
                ),
                Rule.MISSING_RESOURCE: "bob does not offer gpu.",
                Rule.RESERVED_RESOURCE: "bob is kept for builds that ask for secret.",
                Rule.BUSY: "bob is building build 3.",
                Rule.CLEANING: "bob is being reset.",
                Rule.DIRTY: "bob must be cleaned first.",
            },
            told,
        )

    def test_notes_are_data(self) -> None:
        """Control characters in an operator's or a builder's notes are shown escaped."""
        found = mismatch(
            a_builder(builderok=False, failnotes="said \x1b[2J\nand died"), a_requirement()
        )
        assert found is not None
        self.assertEqual("bob is disabled: said \\x1b[2J and died.", found.sentence)

    def test_disabled_without_notes(self) -> None:
        """A builder that was disabled without a word says so."""
        found = mismatch(a_builder(builderok=False), a_requirement())
        assert found is not None
        self.assertIn("without a note", found.sentence)
