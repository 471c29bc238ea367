"""Seeds that have found something, kept: each with what it was."""

from dataclasses import replace

from buildfarm.builders.resets import Resetter
from buildfarm.simulation.invariants import violations
from buildfarm.simulation.plan import Fault, Kind, Plan, make_plan
from buildfarm.simulation.simulation import simulate
from buildfarm.vocab.builder import BuilderSnapshot
from tests.unit.simulation.cases import SimulationTestCase


def killed_again_and_again(seed: int) -> Plan:
    """A manager that is killed every six seconds, and virtual builders whose resets take as long.

    All of them are of protocol 2.0: the end of a reset is reported later.
    """
    plan = make_plan(seed, 60, frozenset())
    builders = [replace(one, protocol="2.0" if one.protocol else None) for one in plan.builders]
    kills = [Fault(10.0 + 6.5 * number, Kind.KILL, 0.7, number) for number in range(16)]
    return replace(plan, builders=tuple(builders), requests=(), faults=tuple(kills))


class OrphanedResetTests(SimulationTestCase):
    """A reset that outlived its manager hit the build that the next one had begun meanwhile.

    The end of an earlier reset of the same builder had been reported, so that it counted as clean.
    First seen with seed 350 of 800 builds; see docs/decisions/171-no-builder-under-a-reset.md.
    """

    def test_no_build_runs_under_a_reset(self) -> None:
        """Whoever is killed, and how often."""
        for seed in (5, 21):
            found = violations(simulate(killed_again_and_again(seed)))
            self.assertEqual([], list(map(str, found)), seed)

    def test_that_is_what_these_seeds_find(self) -> None:
        """Without waiting for earlier resets, running builds are lost."""

        async def at_once(resetter: Resetter, builder: BuilderSnapshot) -> None:
            pass

        self.patch(Resetter, "earlier_over", at_once)
        found = violations(simulate(killed_again_and_again(21)))
        self.assertEqual({"P5"}, {one.statement[:2] for one in found})
