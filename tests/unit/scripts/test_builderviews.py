"""Which builders somebody means."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scripts.builderviews import BuilderView, Wanted
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.glance import Doing

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def a_builder(name: str = "bob", **fields: Any) -> BuilderView:
    """A builder as launchpadlib gives it: idle since an hour ago, unless said otherwise."""
    found = {
        "name": name,
        "title": name,
        "url": "http://bob:8221",
        "processor_names": ["amd64"],
        "virtualized": False,
        "vm_host": None,
        "open_resources": None,
        "restricted_resources": ["gpu"],
        "builderok": True,
        "failnotes": None,
        "manual": False,
        "failure_count": 0,
        "version": "206",
        "clean_status": "Clean",
    }
    told = {
        "state": "idle",
        "since": (NOW - timedelta(hours=1)).isoformat(),
        "build_id": None,
        "reason": None,
    }
    given = {name: fields.get(name, value) for name, value in found.items()}
    entry = SimpleNamespace(lp_get_parameter=given.__getitem__, name=name)
    return BuilderView.of(entry, {name: fields.get(name, value) for name, value in told.items()})


class ViewTests(FarmTestCase):
    def test_json(self) -> None:
        """For scripts: times in ISO 8601, states as words, no object of launchpadlib's."""
        found = a_builder(state="building", build_id=17).as_json()
        self.assertEqual(
            ("building", "2025-12-31T23:00:00+00:00", 17),
            (found["doing"], found["since"], found["build_id"]),
        )
        self.assertNotIn("entry", found)


class WantedTests(FarmTestCase):
    def chosen(self, **conditions: Any) -> list[str]:
        """The names of those that fit, among four."""
        builders = [
            a_builder("idle"),
            a_builder("off", state="disabled", manual=True),
            a_builder("vm", virtualized=True, processor_names=["arm64", "armhf"]),
            a_builder("new", since=None),
        ]
        return [one.name for one in Wanted(**conditions).among(builders, NOW)]

    def test_each_condition(self) -> None:
        """Every condition leaves those that meet it."""
        everybody = ["idle", "off", "vm", "new"]
        for conditions, names in (
            ({}, everybody),
            ({"names": ("vm", "off")}, ["off", "vm"]),
            ({"states": frozenset({Doing.DISABLED})}, ["off"]),
            ({"processors": frozenset({"armhf", "riscv64"})}, ["vm"]),
            ({"virtualized": False}, ["idle", "off", "new"]),
            ({"manual": True}, ["off"]),
            ({"older_than": timedelta(minutes=59)}, ["idle", "off", "vm"]),
            ({"older_than": timedelta(minutes=61)}, []),
            ({"newer_than": timedelta(hours=2)}, ["idle", "off", "vm"]),
        ):
            self.assertEqual(names, self.chosen(**conditions))

    def test_together(self) -> None:
        """Conditions are all to be met."""
        self.assertEqual([], self.chosen(names=("idle",), manual=True))
        self.assertEqual(["vm"], self.chosen(virtualized=True, states=frozenset({Doing.IDLE})))

    def test_unknown_name(self) -> None:
        """A name that nobody has is refused, before anything else is done."""
        error = self.assertRaises(Refused, self.chosen, names=("idle", "zulu"))
        self.assertEqual("There is no builder zulu.", str(error))

    def test_everything(self) -> None:
        """Nothing given means all: whoever changes something has to say so."""
        self.assertTrue(Wanted().is_everything)
        self.assertFalse(Wanted(virtualized=False).is_everything)
