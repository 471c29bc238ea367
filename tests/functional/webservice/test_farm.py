"""The farm as a whole, and what it explains, as scripts see it."""

from itertools import pairwise
from typing import Any

from lazr.restfulclient.errors import BadRequest

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.farm import built_in
from buildfarm.storage import roster
from buildfarm.vocab.states import BuildState
from tests.functional.webservice.cases import WebServiceTestCase


class FarmTests(WebServiceTestCase):
    async def test_at_a_glance(self) -> None:
        """The root leads to the farm: builders, backlog and health."""
        await self.farm.submit()
        await self.farm.add_builder(self.farm.daemon(), "alpha")
        out = {"builderok": False}
        await self.farm.write(roster.change_builder, "alpha", out, "test", utc_now())
        client = await self.client()

        def look() -> Any:
            farm = client.farm
            sizes = client.builders.getBuildQueueSizes()
            self.assertEqual(sizes, farm.backlog)
            return farm.builders["disabled"], farm.builds["waiting"], farm.backlog, farm.is_healthy

        disabled, waiting, backlog, healthy = await self.do(look)
        self.assertEqual((1, 1, True), (disabled, waiting, healthy))
        self.assertEqual({"virt": {}, "nonvirt": {"amd64": [1, "0:05:00"]}}, backlog)

    async def test_why(self) -> None:
        """A build says why it waits: in words, and per builder; not what it may not tell."""
        await self.farm.add_archive("secret", private=True)
        hidden = await self.farm.submit("hidden", archive="secret")
        await self.farm.add_builder(self.farm.daemon(built_in(60.0)), "alpha")
        await self.farm.wait_for_build(hidden, BuildState.BUILDING)
        waiting = await self.farm.submit("hello")
        address = f"{self.root}devel/debian/+archive/main/+build/{waiting}"
        for person in (None, "ann"):
            client = await self.client(person)
            why = await self.do(lambda client=client: client.load(address).why())
            [answer] = why["builders"]
            self.assertEqual(("alpha", "busy"), (answer["builder"], answer["rule"]))
            self.assertEqual(person is not None, "hidden" in answer["sentence"])
            self.assertIn(answer["sentence"], why["text"])
            self.assertIsNotNone(why["remedy"])

    async def test_history(self) -> None:
        """Where a builder's hours went, as spans that follow each other, and in sum."""
        await self.farm.add_builder(self.farm.daemon(), "alpha")
        build_id = await self.farm.submit()
        await self.farm.wait_until_built([build_id])
        client = await self.client()

        def look() -> Any:
            alpha = client.builders.getByName(name="alpha")
            self.assertRaises(BadRequest, alpha.getHistory, hours=0)
            self.assertRaises(BadRequest, alpha.getHistory, hours=10_000)
            return alpha.getHistory(hours=1)

        history = await self.do(look)
        spans = history["spans"]
        self.assertIn(("building", build_id), [(one["kind"], one["build_id"]) for one in spans])
        for before, after in pairwise(spans):
            self.assertEqual(before["end"], after["start"])
        self.assertGreater(history["seconds"]["building"], 0)

    async def test_out_and_in(self) -> None:
        """A builder is removed, and added again as it was; by itself only."""
        await self.farm.add_builder(self.farm.daemon(), "alpha")
        client = await self.client("ann")

        def change() -> Any:
            alpha = client.builders.getByName(name="alpha")
            alpha.active, alpha.title = False, "Alpha"
            self.assertRaises(BadRequest, alpha.lp_save)
            alpha.lp_refresh()
            alpha.active = False
            alpha.lp_save()
            gone = [one.name for one in client.builders]
            alpha.active = True
            alpha.lp_save()
            alpha.failure_count = 3
            alpha.processor_names = ["amd64", "i386"]
            alpha.lp_save()
            return gone, [one.name for one in client.builders]

        self.assertEqual(([], ["alpha"]), await self.do(change))
        builder = await self.farm.read(roster.builder_named, "alpha")
        self.assertEqual((3, ("amd64", "i386")), (builder.failure_count, builder.processors))
