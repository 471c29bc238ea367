"""The first page's content."""

from dataclasses import replace
from datetime import timedelta

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.statuspage.overview import arranged
from buildfarm.vocab.glance import Backlog, Doing, Glance, GlancedBuilder, Job
from buildfarm.vocab.states import BuildState, CleanStatus


def a_builder(number: int, name: str, **changes: object) -> GlancedBuilder:
    """A clean builder for amd64."""
    clean = GlancedBuilder(
        number, name, ("amd64",), False, False, True, None, 0, CleanStatus.CLEAN, BEGINNING
    )
    return replace(clean, **changes)  # type: ignore[arg-type]


JOB = Job(BEGINNING, BuildState.BUILDING, None, 7, "hello")

BUILDERS = (
    a_builder(1, "alice"),
    a_builder(2, "bob", job=JOB, clean_status=CleanStatus.DIRTY),
    a_builder(3, "carol", builderok=False, failnotes="the fan", out_since=BEGINNING),
    a_builder(4, "dave", virtualized=True, clean_status=CleanStatus.DIRTY),
    a_builder(5, "eve", manual=True, processors=("amd64", "arm64")),
    a_builder(6, "frank", builderok=False),
)


class OverviewTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        backlogs = {("amd64", False): Backlog(4, 1200.0), ("riscv64", False): Backlog(1, 60.0)}
        now = BEGINNING + timedelta(hours=1)
        self.found = arranged(Glance(now, 9, BUILDERS, backlogs), (), {4: "fails: no answer"})

    def test_what_is_wrong_comes_first_with_its_reason(self) -> None:
        """Then what works, then what waits; by name where it is the same."""
        self.assertEqual(
            ["dave", "carol", "frank", "bob", "alice", "eve"],
            [row.builder.name for row in self.found.rows],
        )
        self.assertEqual(
            ["fails: no answer", "the fan", "disabled, without a note that says why", None],
            [row.reason for row in self.found.rows[:4]],
        )

    def test_counts(self) -> None:
        """Available are those that builds are dispatched to by themselves."""
        counts = self.found.counts
        self.assertEqual(
            (2, 1, 0, 2, 1, 2, 1),
            tuple(
                counts[word]
                for word in (
                    "available",
                    "building",
                    "cleaning",
                    "idle",
                    "reset failing",
                    "disabled",
                    "manual",
                )
            ),
        )
        self.assertEqual(Backlog(5, 1260.0), self.found.waiting)

    def test_kinds(self) -> None:
        """Each processor, virtual and real apart; also those that nobody builds for."""
        groups = {(one.processor, one.virtualized): one for one in self.found.groups}
        self.assertEqual(
            [("amd64", False), ("amd64", True), ("arm64", False), ("riscv64", False)], list(groups)
        )
        amd64 = groups["amd64", False]
        self.assertEqual((5, 2, 2), (amd64.builders, amd64.available, amd64.out))
        self.assertEqual(1, amd64.counts[Doing.BUILDING])
        self.assertEqual(600.0, amd64.empty_in)
        self.assertIsNone(groups["riscv64", False].empty_in)
        self.assertEqual(0.0, groups["arm64", False].empty_in)
