"""The benchmark `queue`, at a small size."""

from bench.queue import Scale, measure
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.postgres import EMPTY, fresh_database

SMALL = Scale(sizes=(50, 100), claims=5, together=(10,), requirements=20)


class TestQueueBenchmark(FarmTestCase):
    def assert_measured(self, name: str, uri: str) -> None:
        """Every claim got a build, and each size has its figures."""
        figures = measure(name, uri, SMALL)
        self.assertEqual(2, sum(bool(figure.target) for figure in figures))
        self.assertEqual(10, len(figures))
        self.assertTrue(all(figure.ours > 0 for figure in figures))

    def test_sqlite(self) -> None:
        """On SQLite."""
        self.assert_measured("SQLite", f"sqlite:///{self.make_directory()}/farm.db")

    def test_postgres(self) -> None:
        """On PostgreSQL."""
        self.assert_measured("PostgreSQL", fresh_database(self, EMPTY))
