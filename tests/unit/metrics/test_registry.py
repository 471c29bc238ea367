"""Which instruments there are."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.metrics.registry import SECONDS, Registry


class RegistryTests(FarmTestCase):
    """Names, labels and what is found under them."""

    def setUp(self) -> None:
        super().setUp()
        self.registry = Registry()

    def test_without_labels(self) -> None:
        """A single instrument is found as the only member of its family."""
        counter = self.registry.counter("scans_total", "Scans made")
        gauge = self.registry.gauge("uploads_waiting", "Uploads that wait", lambda: 7)
        histogram = self.registry.histogram("scan_seconds", "Duration of a scan")
        self.assertEqual(
            [
                ("scans_total", "Scans made", (((), counter),)),
                ("uploads_waiting", "Uploads that wait", (((), gauge),)),
                ("scan_seconds", "Duration of a scan", (((), histogram),)),
            ],
            [(f.name, f.help_text, f.members()) for f in self.registry.families()],
        )
        self.assertEqual(7, gauge.value)
        self.assertEqual(SECONDS, histogram.bounds)

    def test_labels(self) -> None:
        """Each combination of label values has an instrument of its own, the same each time."""
        calls = self.registry.counters("calls_total", "Calls", ("method", "outcome"))
        calls.of("status", "ok").add(2)
        calls.of("status", "timeout").add()
        calls.of("status", "ok").add()
        self.assertEqual(
            [(("status", "ok"), 3), (("status", "timeout"), 1)],
            [(values, counter.value) for values, counter in calls.members()],
        )
        calls.forget("status", "ok")
        calls.forget("status", "ok")
        self.assertEqual(1, len(calls.members()))

    def test_kinds(self) -> None:
        """Gauges and histograms have families too."""
        self.registry.gauges("waiting", "…", ("pool",)).of("files").set(3)
        sizes = self.registry.histograms("bytes", "…", ("kind",), bounds=(10, 20))
        sizes.of("log").observe(15)
        self.assertEqual((0, 1, 0), sizes.of("log").buckets)

    def test_wrong_number_of_values(self) -> None:
        """Values that do not match the labels are a mistake."""
        calls = self.registry.counters("calls_total", "Calls", ("method",))
        self.assertRaises(ValueError, calls.of)
        self.assertRaises(ValueError, calls.of, "status", "ok")

    def test_names(self) -> None:
        """A name is there once, and is one that Prometheus takes."""
        self.registry.counter("scans_total", "Scans")
        for name in ("scans_total", "Scans", "scans-total", "", "1st"):
            self.assertRaises(ValueError, self.registry.gauge, name, "…")
        self.assertRaises(ValueError, self.registry.gauges, "fine", "…", ("not-fine",))
