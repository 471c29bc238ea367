"""Builds that somebody looks at."""

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.snapshots import a_build
from buildfarm.statuspage.followed import INTERVAL, FollowedBuilds
from buildfarm.storage.listings import ListedBuild
from buildfarm.vocab.errors import StorageError
from buildfarm.vocab.states import BuildState


class _Storage:
    """Answers with what is in `builds`, and notes what it was asked for."""

    def __init__(self) -> None:
        self.builds: dict[int, ListedBuild] = {}
        self.asked: list[tuple[int, ...]] = []
        self.error: Exception | None = None

    async def read(self, query: Any, build_ids: tuple[int, ...]) -> dict[int, ListedBuild]:
        self.asked.append(build_ids)
        if self.error is not None:
            raise self.error
        return {one: self.builds[one] for one in build_ids}


class FollowedTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.storage: Any = _Storage()
        self.followed = FollowedBuilds(self.clock, self.storage)
        self.one, self.other = (ListedBuild(a_build(id=number)) for number in (1, 2))
        self.storage.builds = {1: self.one, 2: self.other}

    def change(self) -> ListedBuild:
        """The first build is being built."""
        changed = replace(self.one, build=replace(self.one.build, state=BuildState.BUILDING))
        self.storage.builds[1] = changed
        return changed

    def test_a_change(self) -> None:
        """Who follows a build hears of its changes, and of no others."""
        heard: list[int] = []
        with self.followed.following(self.one) as one, self.followed.following(self.other) as other:
            with (
                one.changed.telling(lambda: heard.append(1)),
                other.changed.telling(lambda: heard.append(2)),
            ):
                self.clock.advance(INTERVAL)
                changed = self.change()
                self.clock.advance(INTERVAL)
            self.assertEqual(([1], changed), (heard, one.listed))
            self.assertIs(changed, self.followed.latest(1))
        self.assertIsNone(self.followed.latest(1))

    def test_one_question_for_all(self) -> None:
        """However many look, the database is asked once; and not at all while nobody looks."""
        with (
            self.followed.following(self.one),
            self.followed.following(self.one),
            self.followed.following(self.other),
        ):
            self.clock.advance(INTERVAL)
        self.clock.advance(5 * INTERVAL)
        self.assertEqual([(1, 2)], self.storage.asked)

    def test_a_database_that_is_away(self) -> None:
        """The next look finds what has changed."""
        self.storage.error = StorageError("away")
        with self.followed.following(self.one) as one:
            self.clock.advance(INTERVAL)
            self.storage.error = None
            changed = self.change()
            self.clock.advance(INTERVAL)
            self.assertEqual(changed, one.listed)

    def test_left_while_it_is_looked_up(self) -> None:
        """An answer that comes too late is nobody's, and nobody asks again."""
        answer: Deferred[dict[int, ListedBuild]] = Deferred()

        async def slowly(query: Any, build_ids: tuple[int, ...]) -> dict[int, ListedBuild]:
            return await answer

        self.storage.read = slowly
        with self.followed.following(self.one):
            self.clock.advance(INTERVAL)
        answer.callback({1: self.change()})
        self.assertEqual([], self.clock.getDelayedCalls())
