"""`/metrics`: what Prometheus reads of a farm, and the page that says what it means."""

import re

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.threads import deferToThread

from buildfarm.assembly import monitoring
from buildfarm.assembly.measures import BUILDER_STATES
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.farm import Farm, built_in
from buildfarm.monitoring.families import PREFIX
from tests.functional.filestore.listeners import Answer, fetch
from tests.meta.sources import ROOT

PAGE = ROOT / "docs" / "metrics.md"

#: Stages of ARCHITECTURE.md in which nothing waits in memory, or that have a gauge of their own.
NO_QUEUE = ("`status` questions", "viewers of what changes", "logs that people look at", "disk")

Samples = dict[tuple[str, tuple[str, ...]], float]


class MetricsTests(FarmTestCase):
    farm: Farm

    async def setUp(self) -> None:
        super().setUp()
        self.patch(monitoring, "GOOD_FOR", 0.0)
        self.patch(monitoring, "BACKLOG_INTERVAL", 0.1)
        self.farm = await Farm.make(self)
        await self.farm.start()

    async def scrape(self) -> Answer:
        """What is answered."""
        return await deferToThread(fetch, self.farm.web_port, "/metrics", "GET", {})

    async def samples(self) -> Samples:
        """Every sample by name and the values of its labels."""
        text = (await self.scrape()).body.decode()
        return {
            (sample.name, tuple(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def test_a_build(self) -> None:
        """What a build leaves behind: a scan, an act, an upload, an answer."""
        await self.farm.add_builder(self.farm.daemon(built_in(0.05)))
        await self.farm.wait_until_built([await self.farm.submit()])
        seen = await self.samples()
        self.assertEqual(1, seen[f"{PREFIX}_uploads_total", ("published",)])
        for name in ("scans_total", "database_acts_total", "database_commit_seconds_count"):
            self.assertTrue(seen[f"{PREFIX}_{name}", ()] > 0, name)
        states = [seen[f"{PREFIX}_builders", (state,)] for state in BUILDER_STATES]
        self.assertEqual(1, sum(states))

    async def test_a_queue(self) -> None:
        """Builds that wait are counted by what they wait for, soon after they have come."""
        await self.farm.submit()
        waiting = 0.0

        async def is_counted() -> bool:
            nonlocal waiting
            seen = await self.samples()
            waiting = seen.get((f"{PREFIX}_queue_builds", ("amd64", "false")), 0.0)
            return waiting == 1

        await self.wait_until(is_counted, 10.0, lambda: f"{waiting} wait")

    async def test_the_page_names_what_is_shown(self) -> None:
        """docs/metrics.md has every name, with its labels, and no other."""
        text = (await self.scrape()).body.decode()
        shown = set(re.findall(rf"^# TYPE ({PREFIX}_\w+)", text, re.MULTILINE))
        page = PAGE.read_text(encoding="utf-8")
        self.assertEqual(shown, set(re.findall(rf"^\| `({PREFIX}_\w+)", page, re.MULTILINE)))
        labels = {label for _, values in await self._labels() for label in values}
        self.assertEqual(
            {"end", "outcome", "processor", "stage", "state", "status", "virtualized", "le"}, labels
        )

    async def _labels(self) -> list[tuple[str, tuple[str, ...]]]:
        await self.farm.submit()
        await self.wait_until(self._has_queue, 10.0)
        text = (await self.scrape()).body.decode()
        return [
            (sample.name, tuple(sample.labels))
            for family in text_string_to_metric_families(text)
            if family.name.startswith(PREFIX)
            for sample in family.samples
        ]

    async def _has_queue(self) -> bool:
        return any(name.endswith("queue_builds") for name, _ in await self.samples())

    async def test_every_stage_has_a_gauge(self) -> None:
        """The stages of ARCHITECTURE.md, each with its length, but those that are no queue."""
        table = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
        section = table.partition("## Stages and their bounds")[2].partition("\n## ")[0]
        rows = len(re.findall(r"^\| (?!what waits|---)", section, re.MULTILINE))
        seen = await self.samples()
        gauges = [values for name, values in seen if name == f"{PREFIX}_stage_waiting"]
        self.assertEqual(rows - len(NO_QUEUE), len(gauges))
