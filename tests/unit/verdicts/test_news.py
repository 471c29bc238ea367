"""Who is told of what."""

from dataclasses import replace
from typing import Any

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.verdicts.news import UNTOLD, as_told, wants
from buildfarm.vocab.news import BuildInNews, NewsKind, Notice, Receiver
from buildfarm.vocab.states import BuildState

BUILD = BuildInNews(7, "hello", "1.0", "amd64", "main", "bookworm", "ann", private=False)
FAILED = Notice(
    1,
    BEGINNING,
    NewsKind.BUILD_FAILED,
    "It does not build.",
    BuildState.FAILEDTOBUILD,
    "bob",
    1,
    BUILD,
)
SECRET = replace(FAILED, build=replace(BUILD, archive="secret", private=True))
BROKEN = replace(FAILED, kind=NewsKind.BUILDER_FAILED, state=None)


def receiver(**fields: Any) -> Receiver:
    """A receiver of everything public."""
    described: dict[str, Any] = {
        "kinds": frozenset(NewsKind),
        "archives": frozenset(),
        "private": False,
        "gather": 1.0,
        "interval": 1.0,
        "most": 1,
        **fields,
    }
    return Receiver("webhook ci", **described)


class TestWants(FarmTestCase):
    def test_kinds(self) -> None:
        """A receiver is told of the kinds that it asked for."""
        builders = receiver(kinds=frozenset({NewsKind.BUILDER_FAILED}))
        self.assertEqual([False, True], [wants(builders, FAILED), wants(builders, BROKEN)])

    def test_archives(self) -> None:
        """One that names archives is told of their builds; builders are everybody's."""
        other = receiver(archives=frozenset({"other"}))
        mine = receiver(archives=frozenset({"main"}))
        self.assertEqual([False, True], [wants(one, FAILED) for one in (other, mine)])
        self.assertEqual([True, True], [wants(one, BROKEN) for one in (other, mine)])

    def test_private(self) -> None:
        """Only one that may know of private archives is told of their builds, named or not."""
        named = receiver(archives=frozenset({"secret"}))
        self.assertFalse(wants(receiver(), SECRET))
        self.assertFalse(wants(named, SECRET))
        self.assertTrue(wants(receiver(private=True), SECRET))
        self.assertTrue(wants(replace(named, private=True), SECRET))


class TestAsTold(FarmTestCase):
    def test_builder_with_something_private(self) -> None:
        """That a builder failed is told to all, but not what private thing it was building."""
        broken = replace(BROKEN, build=SECRET.build, reason="secret-thing broke it")
        told = as_told(broken, private=False)
        self.assertEqual((UNTOLD, None, "bob"), (told.reason, told.build, told.builder))
        self.assertEqual(broken, as_told(broken, private=True))

    def test_public(self) -> None:
        """What is public is told as it is."""
        for notice in (FAILED, BROKEN):
            self.assertEqual(notice, as_told(notice, private=False))
