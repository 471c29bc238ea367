"""Statements that are compiled once: parameters, values, what they answer."""

from datetime import datetime

from storm.expr import And, Select, Update

from buildfarm.storage.statements import Parameter, Statement, inserting
from buildfarm.storage.tables import Build, Queue, Requirement
from tests.unit.storage.cases import StorageTestCase

_INSERT = Statement(
    inserting(Requirement, "processor", "virtualized", "resources"), returning="id, processor"
)
_FIND = Statement(
    Select(
        (Requirement.id, Requirement.processor),
        And(Requirement.processor == Parameter("processor"), Requirement.virtualized == False),  # noqa: E712
    )
)


class TestStatement(StorageTestCase):
    def test_parameters_are_given_by_name(self) -> None:
        """Each run has values of its own; constants of the expression stay."""
        for processor in ("amd64", "arm64"):
            _INSERT.run(self.store, processor=processor, virtualized=False, resources="[]")
        self.assertEqual((2, "arm64"), _FIND.one(self.store, processor="arm64"))
        self.assertEqual([(1, "amd64")], list(_FIND.rows(self.store, processor="amd64")))
        self.assertIsNone(_FIND.one(self.store, processor="riscv64"))

    def test_returning(self) -> None:
        """A statement that writes answers columns of the rows that it wrote."""
        row = _INSERT.one(self.store, processor="amd64", virtualized=True, resources="[]")
        self.assertEqual((1, "amd64"), row)

    def test_row_count(self) -> None:
        """An UPDATE tells how many rows it changed, which is what guards are checked by."""
        update = Statement(
            Update({Queue.score: Parameter("score")}, Queue.build_id == Parameter("build_id"))
        )
        build_id = self.submit()
        self.assertEqual(1, update.run(self.store, score=5, build_id=build_id).rowcount)
        self.assertEqual(0, update.run(self.store, score=5, build_id=99).rowcount)

    def test_none_is_null(self) -> None:
        """A value of None is written as NULL, in a parameter that other runs give a time."""
        update = Statement(
            Update({Build.started: Parameter("now")}, Build.id == Parameter("build_id"))
        )
        build_id = self.submit()
        update.run(self.store, now=datetime(2026, 1, 1), build_id=build_id)
        update.run(self.store, now=None, build_id=build_id)
        row = self.store.execute("SELECT started FROM build").get_one()
        self.assertEqual((None,), row)

    def test_a_value_that_is_missing_is_an_error(self) -> None:
        """A run that forgets a parameter fails instead of writing NULL."""
        self.assertRaises(KeyError, _FIND.one, self.store)
