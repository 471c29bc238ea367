"""How SQLite answers the statements of the hot path: by an index each, never by a scan."""

from types import ModuleType

from storm.expr import Select, State

from buildfarm.storage import (
    attempts,
    claims,
    condition,
    durations,
    epochs,
    glance,
    orders,
    queue,
    queuepages,
    settlements,
    submissions,
    tables,
    uploads,
)
from buildfarm.storage.statements import Statement
from buildfarm.storage.tables import Queue
from tests.unit.storage.cases import SQLiteTestCase

MODULES = (
    attempts,
    claims,
    condition,
    durations,
    epochs,
    orders,
    queue,
    settlements,
    submissions,
    uploads,
)

#: What is read as a whole: the attempts that are on builders, of which there is one per builder,
#: and the requirements, of which there are a few dozen.
WHOLE = {
    "orders._HOLDINGS": "SCAN attempt USING INDEX attempt_on_builder",
    "orders._OPEN_ORDERS": "SCAN attempt USING INDEX attempt_on_builder",
    "queue._TOPS": "SCAN requirement",
}


def statements(module: ModuleType) -> dict[str, Statement]:
    """The compiled statements of a module, by name."""
    short = module.__name__.rpartition(".")[2]
    return {
        f"{short}.{name}": value
        for name, value in vars(module).items()
        if isinstance(value, Statement)
    }


class TestPlans(SQLiteTestCase):
    def plan(self, statement: Statement) -> list[str]:
        """The steps by which SQLite answers a statement."""
        state = State()
        connection = self.store.get_database().connection_factory
        text = connection.compile(statement._expression, state)
        plan = self.store.execute(
            f"EXPLAIN QUERY PLAN {text}", [None] * len(state.parameters)
        ).get_all()
        self.store.rollback()
        return [step[3] for step in plan]

    def test_no_scan(self) -> None:
        """However many builds there are, no hot statement reads a table from end to end."""
        for module in MODULES:
            for name, statement in statements(module).items():
                scans = [step for step in self.plan(statement) if step.startswith("SCAN")]
                self.assertEqual([WHOLE[name]] if name in WHOLE else [], scans, name)

    def test_the_top_of_the_queue(self) -> None:
        """The best build of a requirement is the first row of an index: nothing is sorted."""
        reads = [step for step in self.plan(queue._TOPS) if "queue" in step]
        reads += self.plan(queue._page(8))
        for step in reads:
            self.assertIn("COVERING INDEX queue_order (state=? AND requirement_id=?", step)
        self.assertEqual(3, len(reads))

    def test_a_source_that_was_built_elsewhere(self) -> None:
        """An estimate looks at the builds of one source, not at all that were ever published."""
        for statement in (durations._SAME_BUILD, durations._SAME_SOURCE):
            self.assertIn("build_source (source=?", self.plan(statement)[0])
        self.assertIn("build_built (architecture=?", self.plan(durations._SAME_ARCHITECTURE)[0])

    def test_conditions_are_those_of_the_indexes(self) -> None:
        """Queries over open, uploading and delayed rows are answered by the partial indexes."""
        expected = {
            tables.IS_OPEN: ("attempt", "attempt_open"),
            tables.IS_ON_BUILDER: ("attempt", "attempt_on_builder"),
            tables.AWAITS_UPLOAD: ("attempt", "attempt_upload"),
            "not_before <= '2026'": ("queue", "queue_release"),
            f"{tables.IS_BUILT} AND architecture = 'amd64'": ("build", "build_built"),
        }
        for condition_text, (table, index) in expected.items():
            [plan] = self.rows(f"EXPLAIN QUERY PLAN SELECT 1 FROM {table} WHERE {condition_text}")
            self.assertIn(index, plan[3])

    def test_lists_and_sums(self) -> None:
        """What waits is summed from an index alone, and the queue's pages are rows of another."""
        for statement in glance._WAITING:
            self.assertIn("USING COVERING INDEX queue_order (state=?)", self.plan(statement)[0])
        entry = (Queue.build_id, Queue.requirement_id, Queue.score, Queue.estimated_duration)
        waiting = queuepages._waiting([1, 2])
        for order in (queuepages._IN_ORDER, queuepages._FROM_END):
            page = Statement(Select(entry, waiting, Queue, order_by=order, limit=10))
            [step] = self.plan(page)[:1]
            self.assertIn("USING COVERING INDEX queue_page", step)
            self.assertNotIn("TEMP B-TREE", " ".join(self.plan(page)))
