"""A thousand builders, of which some do every hostile thing there is: the others do not notice."""

from buildfarm.farmtesting.hostile.crowd import running
from buildfarm.farmtesting.hostile.table import SINGLE
from buildfarm.farmtesting.procfs import forget_peak, peak_memory
from buildfarm.storage import roster
from tests.functional.hostile.thousand import BUILDERS, ThousandCase

#: Builds that wait for the hostile ones, of which there is one of each kind.
BAIT = 400

#: Bytes of memory that the attack may cost at its worst.
MEMORY = 128 * 1024 * 1024


class ThousandTests(ThousandCase):
    async def attack(self, urls: list[str]) -> None:
        """Let the hostile builders in, with builds for them; return once they are at it."""
        await self.add("mallory", urls, "arm64")
        await self.submit("hostile", "arm64", BAIT)

        async def under_way() -> bool:
            known = await self.farm.read(roster.builders)
            return sum(not builder.builderok for builder in known) > len(SINGLE) // 4

        await self.wait_until(under_way, 60.0, "the hostile builders to do their worst")

    async def test_the_others_are_served_as_in_a_healthy_farm(self) -> None:
        """Each healthy builder gets as many builds, in the same order, without and with them."""
        await self.add_healthy()
        healthy = await self.wave()
        forget_peak()
        memory = peak_memory()
        names = [one.name for one in SINGLE]
        with running(names, len(names), BUILDERS) as hostile:
            await self.attack(hostile.urls)
            attacked = await self.wave()
        self.assertEqual(healthy, attacked)
        self.assertEqual({1}, set(attacked.shares.values()))
        self.assertEqual(list(range(BUILDERS)), attacked.order)
        self.assertEqual({1}, attacked.tried)
        self.assertLess(peak_memory() - memory, MEMORY)
        known = await self.farm.read(roster.builders)
        blamed = [one.name for one in known if one.failure_count or not one.builderok]
        self.assertEqual([], [name for name in blamed if not name.startswith("mallory")])
        self.assertEqual([], self.farm.published_cookies())
