"""Children that are used again, with the real fork server."""

import os
import signal
from pathlib import Path

import fixtures

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.childpool import ChildPool
from buildfarm.flow.forks import ForkServer
from buildfarm.vocab.errors import ChildError, ConversationEnded, Stopped

SOON = 20.0


class PoolTestCase(FarmTestCase):
    """A pool of children that tell their process id."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable("PYTHONPATH", str(Path(__file__).parent)))
        self.forks = ForkServer(("pooljobs",))
        self.addCleanup(self.forks.stop)
        self.pool = ChildPool(self.forks, "pooljobs:serve", most_jobs=3)
        self.addCleanup(self.pool.stop)

    def job(self, number: int = 1) -> int:
        """Have a child do a job; its process id."""
        with self.pool.lend() as child:
            child.send(number)
            return int(child.receive(SOON))

    def assert_gone(self, pid: int) -> None:
        """The process exists no more."""
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)


class TestLending(PoolTestCase):
    def test_used_again(self) -> None:
        """One job after the other is done by the same child, until it has done its share."""
        pids = [self.job() for _ in range(4)]
        self.assertEqual(1, len(set(pids[:3])))
        self.assertNotEqual(pids[0], pids[3])
        self.assert_gone(pids[0])

    def test_one_job_at_a_time(self) -> None:
        """A child that is lent out is nobody else's."""
        with self.pool.lend() as first, self.pool.lend() as second:
            self.assertNotEqual(first.pid, second.pid)

    def test_bad_end(self) -> None:
        """A child whose job ended badly is gone at once, and not used again."""
        bad = self.job()
        self.assertRaises(ChildError, self.job, -1)
        self.assert_gone(bad)
        self.assertNotEqual(bad, self.job())

    def test_error_of_the_borrower(self) -> None:
        """That goes for every reason not to go on."""
        pids: list[int] = []

        def give_up() -> None:
            with self.pool.lend() as child:
                pids.append(child.pid)
                raise KeyError

        self.assertRaises(KeyError, give_up)
        self.assert_gone(pids[0])

    def test_killed_while_idle(self) -> None:
        """A child that died while nobody looked costs one job, not two."""
        os.kill(self.job(), signal.SIGKILL)
        self.assertRaises(ConversationEnded, self.job)
        self.job()

    def test_stopped(self) -> None:
        """A stopped pool ends its children, those lent out when they come back."""
        idle = self.job()
        with self.pool.lend() as lent, self.pool.lend():
            self.pool.stop()
            lent.send(1)
            lent.receive(SOON)
        self.assert_gone(idle)
        self.assert_gone(lent.pid)
        self.forks.stop()
        self.assertRaises(Stopped, self.job)
