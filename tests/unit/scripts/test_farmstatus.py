"""What `farm-status` makes of the farm's answer."""

import io
import sys
from typing import Any

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scripts import farmstatus
from buildfarm.scripts.connecting import Farm
from buildfarm.scripts.farmstatus import builder_rows, queue_rows, summary, watch
from buildfarm.vocab.errors import FarmUnreachable


def a_builder(name: str, state: str = "idle", **fields: Any) -> dict[str, Any]:
    """One builder of the answer."""
    return {
        "name": name,
        "processors": ["amd64"],
        "virtualized": False,
        "manual": False,
        "state": state,
        "since": "2026-01-01T00:00:00+00:00",
        "reason": None,
        "is_building": False,
        "build_id": None,
        "title": None,
        "log_line": None,
        **fields,
    }


def a_farm(*builders: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The whole answer, an hour after everything began."""
    told = {"time": "2026-01-01T01:00:00+00:00", "pauses": [], "queues": []}
    return {**told, "builders": builders, **fields}


class StatusTests(FarmTestCase):
    def test_summary(self) -> None:
        """Counts by state, those that need somebody first; then why nothing is dispatched."""
        farm = a_farm(a_builder("a"), a_builder("b", "disabled"), pauses=["The disk is full."])
        self.assertEqual(
            ["Builders: 1 disabled, 1 idle. Builds that wait: 0.", "The disk is full."],
            summary(farm),
        )
        self.assertEqual(["Builders: none. Builds that wait: 0."], summary(a_farm()))

    def test_order(self) -> None:
        """What needs somebody stands above what works."""
        states = ("idle", "cleaning", "building", "disabled", "failing", "reset failing")
        farm = a_farm(*(a_builder(state, state) for state in states))
        self.assertEqual(
            ["reset failing", "failing", "disabled", "building", "cleaning", "idle"],
            [row[0] for row in builder_rows(farm)],
        )

    def test_what(self) -> None:
        """A build with its log's last line; something private as just that; trouble in words."""
        building = {"is_building": True, "state": "building"}
        for fields, what in (
            ({}, None),
            (
                {**building, "build_id": 7, "title": "hello 1.0", "log_line": "cc"},
                "7: hello 1.0 | cc",
            ),
            ({**building, "build_id": 7, "title": "hello 1.0"}, "7: hello 1.0"),
            (building, "building something private"),
            ({"reason": "no disk", "is_building": True}, "no disk"),
        ):
            [row] = builder_rows(a_farm(a_builder("bob", **fields)))
            self.assertEqual(("1h 00m", what), (row[2], row[-1]))

    def test_queues(self) -> None:
        """Each kind with as many builders as there are for it, none included."""
        queues = [
            {"processor": "amd64", "virtualized": False, "builds": 3, "duration": 600.0},
            {"processor": "riscv64", "virtualized": True, "builds": 1, "duration": 60.0},
        ]
        self.assertEqual(
            [("amd64", "real", 2, 3, "10m 00s"), ("riscv64", "virtual", 0, 1, "1m 00s")],
            queue_rows(a_farm(a_builder("a"), a_builder("b"), queues=queues)),
        )


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


class WatchTests(FarmTestCase):
    def test_restart(self) -> None:
        """A farm that is away for a moment is told of, with the last picture; Ctrl-C ends it."""
        screen = Terminal()
        self.patch(sys, "stdout", screen)
        picture = a_farm(a_builder("alpha"))
        looks: list[Any] = [picture, FarmUnreachable("The farm is away."), picture]
        waits: list[float] = []

        def look(_farm: Farm) -> Any:
            found = looks.pop(0)
            if isinstance(found, Exception):
                raise found
            return found

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if not looks:
                raise KeyboardInterrupt

        self.patch(farmstatus, "look", look)
        self.patch(farmstatus.time, "sleep", sleep)
        watch(Farm("http://farm"), 5.0)
        shown = screen.getvalue()
        self.assertIn("The farm is away.", shown)
        self.assertEqual(3, shown.count("alpha"))
        self.assertEqual([5.0] * 3, waits)
