"""Entries of the web service as plain values."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scripts.entries import ATTEMPT_FIELDS, BUILD_FIELDS, PART, every, fields_of
from buildfarm.webservice.attemptentry import ATTEMPT
from buildfarm.webservice.buildentry import BUILD


class EntryTests(FarmTestCase):
    def test_plain(self) -> None:
        """Times are in ISO 8601, everything else as it is, so that all of it is JSON."""
        given = {"id": 1, "datebuilt": datetime(2026, 1, 1, tzinfo=UTC), "score": None}
        entry = SimpleNamespace(lp_get_parameter=given.__getitem__)
        found = fields_of(entry, ("id", "datebuilt", "score"))
        self.assertEqual([1, "2026-01-01T00:00:00+00:00", None], list(found.values()))
        json.dumps(found)

    def test_every(self) -> None:
        """A collection is read in parts, the last one of which may be empty, or not whole."""
        for size in (0, 1, PART, PART + 1, 2 * PART):
            self.assertEqual(size, len(list(every(range(size)))))

    def test_fields_are_there(self) -> None:
        """Every field that scripts ask for is one of the web service's."""
        for names, kind in ((BUILD_FIELDS, BUILD), (ATTEMPT_FIELDS, ATTEMPT)):
            self.assertEqual(set(), set(names) - {one.name for one in kind.fields} - {"self_link"})
