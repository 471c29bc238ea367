"""One scanner per builder: observe, plan, act, for as long as the builder is there.

Layer 4. Tests: tests/unit/scanning/test_scanner.py; many at once: tests/functional/scanning.

Each scanner is a coroutine of its own. Whatever goes wrong in a cycle ends that cycle: it is
judged, and the next one begins after a delay. Nothing that one builder does or fails to do is
waited for by another. Which step follows is `verdicts.scanplan`'s to say; `steps` carries it out.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from math import inf

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from buildfarm.flow.reactors import Clock
from buildfarm.flow.wakeup import Wakeup
from buildfarm.scanning.discretion import HIDDEN, hides
from buildfarm.scanning.job import Standing
from buildfarm.scanning.judge import Judge
from buildfarm.scanning.pace import Pace
from buildfarm.scanning.steps import NOW, Steps
from buildfarm.verdicts.scanplan import Holding, Step, holding_of, plan
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import BuilderError, FarmError, StaleState
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.text import one_line


class Scanner:
    """Scans one builder and carries out what follows."""

    log = Logger()

    def __init__(
        self,
        reactor: Clock,
        *,
        steps: Steps,
        wakeup: Wakeup,
        judge: Judge,
        pace: Pace,
        turn: Callable[[int], Awaitable[None]],
        fetch_standing: Callable[[int], Awaitable[Standing]],
        earlier_reset_over: Callable[[BuilderSnapshot], Awaitable[None]],
    ) -> None:
        """`turn` is awaited before each cycle, so that all builders are served in turn.

        `fetch_standing` reads what the database says now of the builder with this id.
        `earlier_reset_over` returns once no reset that an earlier manager began is at work on it.
        """
        self._reactor = reactor
        self._steps = steps
        self._wakeup = wakeup
        self._judge = judge
        self._pace = pace
        self._turn = turn
        self._fetch_standing = fetch_standing
        self._earlier_reset_over = earlier_reset_over
        self._alone = False
        self._failures_in_row = 0
        self._last_failure = ""
        self._outdated = False
        self._stopping = False
        self._running: Deferred[None] | None = None
        #: When it is to look, by the reactor; None during a step, which has deadlines of its own.
        self._due: float | None = None

    @property
    def steps(self) -> Steps:
        """The builder as this scanner knows it, and what it holds."""
        return self._steps

    @property
    def trouble(self) -> str | None:
        """What its builder does wrong at present, as a clause; None while nothing is."""
        if not self.is_failing:
            return None
        times = f", {self._failures_in_row} times in a row" if self._failures_in_row > 1 else ""
        return f"fails{times}: {self._last_failure}"

    @property
    def is_failing(self) -> bool:
        """Whether its builder failed when it was asked last."""
        return bool(self._failures_in_row and self._last_failure)

    @property
    def overdue(self) -> float:
        """Seconds by which a look at the builder is late; infinite where none will ever come."""
        if self._stopping or self._running is None:
            return 0.0
        if self._running.called:
            return inf
        return 0.0 if self._due is None else max(0.0, self._reactor.seconds() - self._due)

    def start(self) -> None:
        """Begin to scan."""
        self._running = Deferred.fromCoroutine(self._run())

    def seek_work(self) -> None:
        """Work that fits has arrived: look at the builder now and ask for it."""
        self._steps.seeking = True
        self._wakeup.wake()

    def changed(self) -> None:
        """Somebody else changed the builder's row: read it again before the next step."""
        self._outdated = True
        self._wakeup.wake()

    def cancel_job(self, build_id: int) -> None:
        """A cancel of this build was asked for, if it is what the builder holds."""
        job = self._steps.job
        if job is not None and job.order.attempt.build_id == build_id:
            job.cancel()
            self._wakeup.wake()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While entered, somebody follows the log of the job that the builder holds now."""
        job = self._steps.job
        if job is None:
            yield
            return
        job.watchers += 1
        self._wakeup.wake()
        try:
            yield
        finally:
            job.watchers -= 1

    def leave(self) -> None:
        """End after this cycle, for good: the builder was removed."""
        self._stopping = True
        self._judge.forget(self._steps.builder.id)
        self._steps.client.close()

    async def stop(self, grace: float) -> None:
        """End after the step under way, or by cancelling it after `grace` seconds.

        A running build goes on without us: its attempt is found again at the next start.
        """
        self._stopping = True
        self._wakeup.wake()
        if self._running is not None:
            timeout = self._reactor.callLater(grace, self._running.cancel)
            await self._running
            if timeout.active():
                timeout.cancel()
        self._steps.client.close()

    async def _run(self) -> None:
        with suppress(CancelledError):
            while not self._stopping:
                self._due = self._reactor.seconds()
                delay = await self._cycle_or_recover()
                if delay > NOW and not self._stopping:
                    self._due = self._reactor.seconds() + delay
                    await self._wakeup.sleep(delay)

    async def _cycle_or_recover(self) -> float:
        """One cycle, whatever becomes of it; the seconds until the next one."""
        try:
            delay = await self._cycle()
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - one builder's failures end here
            return await self._recover(error)
        self._failures_in_row = 0
        self._judge.succeeded(self._steps.builder.id)
        return delay

    async def _cycle(self) -> float:
        """Observe, plan, act, once; the seconds until the next cycle."""
        await self._turn(self._steps.builder.id)
        self._due = None
        if not self._alone:
            await self._earlier_reset_over(self._steps.builder)
            self._alone = True
        if self._outdated:
            await self._read_standing()
        said: Observation | None = None
        step = self._plan(said)
        if step is Step.ASK:
            self._due = self._reactor.seconds() + self._pace.settings.call_timeout
            said = await self._steps.client.fetch_status()
            self._due = None
            self._pace.scanned()
            self._judge.answered(self._steps.builder.id)
            step = self._plan(said)
        delay = await self._steps.carry_out(step, said)
        # A step may have slept itself and used up the wake that came with the change.
        return NOW if self._outdated else delay

    def _plan(self, said: Observation | None) -> Step:
        job = self._steps.job
        if job is None:
            return plan(self._steps.builder, Holding.NOTHING, None, said)
        return plan(self._steps.builder, holding_of(job.state, job.cancelling), job.cookie, said)

    async def _read_standing(self) -> None:
        """Believe the database where it and we may differ."""
        self._outdated = False
        try:
            self._steps.take_standing(await self._fetch_standing(self._steps.builder.id))
        except Exception:
            self._outdated = True
            raise

    async def _recover(self, error: Exception) -> float:
        """Have the failure of a cycle judged; the seconds until the next one."""
        self._due = None
        self._failures_in_row += 1
        words = HIDDEN if hides(self._steps.job, error) else one_line(str(error))
        self._last_failure = words if isinstance(error, BuilderError) else ""
        delay = self._pace.failing(self._steps.builder.id, self._failures_in_row)
        steps = self._steps
        if isinstance(error, StaleState):
            self._outdated = True
            return delay
        try:
            builder, ended = await self._judge.failed(steps.builder, steps.job, error)
        except StaleState:
            self._outdated = True
        except CancelledError:
            raise
        except FarmError as unjudged:  # the database cannot be written now
            words = "builder={builder} a failure is judged later: {error}"
            self.log.warn(words, builder=steps.builder.name, error=unjudged)
        except Exception:  # noqa: BLE001 - the next cycle tries again
            self.log.failure(
                "builder={builder} a failure could not be judged", builder=steps.builder.name
            )
        else:
            if ended:
                steps.job_ended(builder)
                return NOW
            steps.builder = builder
        return delay
