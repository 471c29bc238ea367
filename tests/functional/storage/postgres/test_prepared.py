"""Statements that a session of PostgreSQL prepares."""

from typing import Any
from unittest import mock

from storm.expr import Select

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.postgres import fresh_database
from buildfarm.storage import prepared
from buildfarm.storage.database import Database
from buildfarm.storage.requirements import requirement_id
from buildfarm.storage.statements import Parameter, Statement
from buildfarm.storage.tables import Requirement

IDS = Statement(
    Select(Requirement.processor, Requirement.processor == Parameter("name"), Requirement)
)


class TestPrepared(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = Database(fresh_database(self)).writer()
        self.addCleanup(self.store.close)
        for name in ("amd64", "100%"):
            requirement_id(self.store, name, False)
        self.store.commit()

    def names(self) -> list[Any]:
        """What the session has prepared of requirements by their processor alone."""
        rows = self.store.execute("SELECT name, statement FROM pg_prepared_statements").get_all()
        return [name for name, text in rows if text.endswith("requirement.processor = $1")]

    def ask(self, name: str) -> str | None:
        """The processor of this name, if there is one."""
        row = IDS.one(self.store, name=name)
        return None if row is None else str(row[0])

    def test_what_comes_again(self) -> None:
        """A statement that comes again is prepared, and answers as before."""
        for _ in range(prepared.WORTH - 1):
            self.assertEqual("amd64", self.ask("amd64"))
        self.assertEqual([], self.names())
        for name in ("amd64", "100%", "it's", "%s"):
            self.assertEqual(name if name in ("amd64", "100%") else None, self.ask(name))
        self.assertEqual(1, len(self.names()))

    def test_it_outlives_what_is_given_up(self) -> None:
        """What was prepared in a transaction that was rolled back is there all the same."""
        for _ in range(prepared.WORTH):
            self.ask("amd64")
        self.store.rollback()
        self.assertEqual("amd64", self.ask("amd64"))

    def test_planned_anew(self) -> None:
        """After some uses it is prepared again, for the tables as they are then."""
        with mock.patch.object(prepared, "RENEWED_AFTER", 2):
            for _ in range(prepared.WORTH + 7):
                self.assertEqual("amd64", self.ask("amd64"))
        self.assertEqual(1, len(self.names()))

    def test_parameters_of_any_type(self) -> None:
        """What the server cannot prepare it runs as it is, in the same transaction."""
        requirement_id(self.store, "arm64", False)
        for number in range(prepared.WORTH + 2):
            row = self.store.execute("SELECT COALESCE(?, ?) || 'x'", (None, number)).get_one()
            self.assertEqual((f"{number}x",), row)
        self.assertEqual("arm64", self.ask("arm64"))

    def test_bound(self) -> None:
        """A session keeps no more than it is allowed to."""
        with mock.patch.object(prepared, "MOST", 0):
            for _ in range(prepared.WORTH + 1):
                self.ask("amd64")
        self.assertEqual([], self.names())
