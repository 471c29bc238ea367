"""One builder as its page shows it."""

from buildfarm.storage import roster
from buildfarm.storage.builderpages import BuilderPage, builder_page
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.states import AttemptOutcome, BuildOutcome
from tests.unit.storage.cases import StorageTestCase


class BuilderPageTests(StorageTestCase):
    def page(self, seen: frozenset[str] | None = frozenset(), name: str = "bob") -> BuilderPage:
        """The page now."""
        return self.ask(builder_page, name, seen, self.now())

    def test_what_it_was_given(self) -> None:
        """The latest first, with what became of it."""
        bob = self.add_builder()
        self.add_builder("carol")
        for name in ("one", "two"):
            self.submit(name)
            self.end(self.start(bob), BuildOutcome.PACKAGEFAIL)
            self.pass_time(5)
        self.submit("three")
        self.start(bob)
        page = self.page()
        self.assertEqual(
            [("three", None), *((name, AttemptOutcome.PACKAGE_FAILED) for name in ("two", "one"))],
            [(one.build.source, one.outcome) for one in page.attempts],
        )
        assert page.glanced is not None and page.glanced.job is not None
        self.assertEqual("three 1.0-1 amd64 in main/bookworm", page.glanced.job.title)
        self.assertEqual(10.0, sum(span.duration.total_seconds() for span in page.spans))

    def test_private_builds(self) -> None:
        """Are listed for who may see them."""
        self.add_archive("secret", private=True)
        self.submit(archive="secret")
        self.start(self.add_builder())
        self.assertEqual(
            [0, 1, 1],
            [len(self.page(seen).attempts) for seen in (frozenset(), frozenset({"secret"}), None)],
        )

    def test_removed_and_unknown(self) -> None:
        """A removed builder has its story; of one that never was there is none."""
        self.add_builder()
        self.act(roster.remove_builder, "bob", False, "root", self.now())
        self.assertIsNone(self.page().glanced)
        self.assertRaises(Refused, self.page, name="nobody")
