"""Snapshots as JSON."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from buildfarm.admin.plain import plain
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.states import CleanStatus


@dataclass(frozen=True)
class _Thing:
    name: str
    status: CleanStatus
    since: datetime | None
    parts: tuple["_Thing", ...] = ()


class TestPlain(FarmTestCase):
    def test_snapshot(self) -> None:
        """Fields keep their names, enums are words, times are ISO 8601 UTC, tuples are lists."""
        inner = _Thing("b", CleanStatus.DIRTY, None)
        moment = datetime(2026, 1, 2, 3, 4, 5, 678900)
        thing = _Thing("a", CleanStatus.CLEAN, moment, (inner,))
        self.assertEqual(
            {
                "name": "a",
                "status": "CLEAN",
                "since": "2026-01-02T03:04:05.678Z",
                "parts": [{"name": "b", "status": "DIRTY", "since": None, "parts": []}],
            },
            plain(thing),
        )

    def test_everything_else(self) -> None:
        """Paths are text, keys are text, and JSON takes the result."""
        value = plain({1: Path("/x"), "b": {True}, "c": [1.5, None]})
        self.assertEqual({"1": "/x", "b": [True], "c": [1.5, None]}, value)
        json.dumps(value)
