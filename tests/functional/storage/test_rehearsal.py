"""An act asked what it would do, and undone."""

from testtools import ExpectedException
from twisted.internet.defer import Deferred

from buildfarm.storage import builds
from buildfarm.storage.rehearsal import rehearse
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.announcements import Announcement
from buildfarm.vocab.errors import Refused
from tests.unit.storage.cases import StorageTestCase, submission


class TestRehearsal(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.published: list[Announcement] = []
        self.transactor = Transactor(self.reactor, self.database, self.published.append, readers=1)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.transactor.stop(10.0)))

    async def test_possible(self) -> None:
        """The value that the act would decide is told; nothing is changed and nothing announced."""
        asked = (builds.submit, submission(), "alice", self.now())
        self.assertEqual(1, len(await rehearse(self.transactor, *asked)))
        self.assertEqual((), await self.transactor.read(builds.builds))
        self.assertEqual([], self.published)
        self.assertEqual(1, len(await self.transactor.write(*asked)))

    async def test_refused(self) -> None:
        """What the act would refuse is refused in its words."""
        self.submit()
        with ExpectedException(Refused, ".*was submitted to main/bookworm already.*"):
            await rehearse(self.transactor, builds.submit, submission(), "alice", self.now())
