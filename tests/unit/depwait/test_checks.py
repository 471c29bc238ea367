"""From what was looked at to checks."""

from buildfarm.depwait.checks import (
    NOT_UNDERSTOOD,
    Offers,
    Published,
    check,
    offers_of,
    offers_of_files,
    question,
)
from buildfarm.depwait.reading import Look
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.depwait import Candidate
from buildfarm.vocab.states import UploaderKind
from tests.unit.depwait.cases import archive, waiting

_BASE = "deb http://deb.example/debian bookworm main"
_FOO = {"libfoo-dev": (Candidate("libfoo-dev", "1.2-1"),)}


class TestCheck(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.asked = question(waiting(archive=archive(bases=(_BASE,))))
        self.own, self.base = self.asked.indexes

    def test_own_and_base(self) -> None:
        """A package may be in the archive's own index or in a base's."""
        none = {self.own: Offers("a", {}), self.base: Offers("b", {})}
        missing = check(self.asked, none, Published())
        assert missing is not None
        self.assertFalse(missing.found)
        self.assertEqual([(self.own.place, "a"), (self.base.place, "b")], list(missing.looked_at))
        for index in (self.own, self.base):
            there = check(self.asked, {**none, index: Offers("c", _FOO)}, Published())
            assert there is not None
            self.assertTrue(there.found)
            self.assertNotEqual(missing.state, there.state)

    def test_state(self) -> None:
        """The state is that of everything that was looked at, and of what was asked."""
        looks = {self.own: Offers("a", {}), self.base: Offers("b", {})}
        other = question(waiting("libbar-dev", archive=self.asked.waiting.archive))
        states = [check(one, looks, Published()) for one in (self.asked, self.asked, other)]
        first, again, another = [one.state for one in states if one is not None]
        self.assertEqual(first, again)
        self.assertNotEqual(first, another)

    def test_nothing_at_hand(self) -> None:
        """Where nothing can be looked at there is no check; where something can, there is."""
        unknown = {self.own: Offers("", {}), self.base: Offers("", {})}
        self.assertIs(None, check(self.asked, unknown, Published()))
        self.assertIsNot(
            None, check(self.asked, {**unknown, self.own: Offers("a", {})}, Published())
        )

    def test_not_understood(self) -> None:
        """What cannot be understood is recorded once, whatever happens in the indexes."""
        asked = question(waiting("((("))
        first = check(asked, {}, Published())
        assert first is not None
        self.assertEqual((NOT_UNDERSTOOD, False), (first.finding, first.found))
        self.assertEqual(first, check(asked, {self.own: Offers("x", {})}, Published()))

    def test_published_without_an_index(self) -> None:
        """Where apt can read no archive, what this farm has published counts."""
        asked = question(waiting(archive=archive(uploader=UploaderKind.DIRECTORY)))
        before = check(asked, {}, Published(3))
        after = check(asked, {}, Published(4, _FOO))
        assert before is not None and after is not None
        self.assertEqual((("main/bookworm", "3 builds published"),), before.looked_at)
        self.assertEqual((False, True), (before.found, after.found))
        self.assertNotEqual(before.state, after.state)


class TestOffers(FarmTestCase):
    def test_look(self) -> None:
        """What an index has is told by name."""
        look = Look("place", "a", "", [("foo", None, "", "bar"), ("foo", "1", "allowed", "")])
        self.assertEqual(
            {"foo": [Candidate("foo", None, "", "bar"), Candidate("foo", "1", "allowed")]},
            offers_of(look).by_name,
        )

    def test_files(self) -> None:
        """Published files are packages of their names; an epoch is the source's."""
        files = ("foo_1.2-1_amd64.deb", "bar_3_all.deb", "baz_1_arm64.deb", "foo.changes", "x_y")
        self.assertEqual(
            {"foo": [Candidate("foo", "2:1.2-1")], "bar": [Candidate("bar", "3")]},
            offers_of_files([("2:1.2-1", "amd64", files)], "amd64"),
        )
