"""What is shown to Prometheus, as it reads it."""

from prometheus_client.parser import text_string_to_metric_families

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.metrics.histogram import Histogram
from buildfarm.monitoring.families import PREFIX, Count, Durations, Exposition, Gauge, single


class FamiliesTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.value = 1.0
        histogram = Histogram((0.5, 1.0))
        histogram.observe(0.7)
        self.exposition = Exposition(
            [
                Gauge("queue", "Waiting.", lambda: [(("amd64",), self.value)], ("processor",)),
                Count("scans", "Made.", lambda: single(self.value)),
                Durations("commit_seconds", "Times.", histogram),
            ]
        )

    def shown(self) -> dict[str, float]:
        """The samples of ours, by name and labels."""
        return {
            sample.name.removeprefix(f"{PREFIX}_") + "".join(sample.labels.values()): sample.value
            for family in text_string_to_metric_families(self.exposition.render().decode())
            for sample in family.samples
            if sample.name.startswith(PREFIX)
        }

    def test_shown(self) -> None:
        """Each kind under the name that its kind has."""
        self.assertEqual(
            {
                "queueamd64": 1.0,
                "scans_total": 1.0,
                "commit_seconds_bucket0.5": 0.0,
                "commit_seconds_bucket1.0": 1.0,
                "commit_seconds_bucket+Inf": 1.0,
                "commit_seconds_sum": 0.7,
                "commit_seconds_count": 1.0,
            },
            self.shown(),
        )

    def test_read_when_asked(self) -> None:
        """Nothing is kept from one time to the next."""
        self.shown()
        self.value = 2.0
        self.assertEqual(2.0, self.shown()["queueamd64"])

    def test_the_process(self) -> None:
        """What it uses is shown beside what it does."""
        self.assertIn(b"process_resident_memory_bytes", self.exposition.render())
