"""Making a builder clean again: the reset of a virtual one, abort and clean of a real one.

Layer 4; DESIGN section 3, step 5, and section 6. Tests: tests/unit/scanning/test_cleaning.py.

What a builder says after an unanswered call proves nothing (docs/decisions/010), so the slow way,
which ends with two IDLEs in a row, is the rule; the answer of `clean` itself is believed only
right after a gather, when every call of the attempt was answered.
"""

from collections.abc import Callable
from datetime import datetime

from buildfarm.builders.client import BuilderClient
from buildfarm.builders.resets import Resetter
from buildfarm.flow.wakeup import Wakeup
from buildfarm.storage import roster
from buildfarm.storage.epochs import Epoch
from buildfarm.storage.transactor import Transactor
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.errors import BuilderError, BuilderNonsense, ResetFailed
from buildfarm.vocab.states import CleanStatus, DaemonStatus, ResetProtocol

#: A reset command may return a moment before the daemon listens: seconds between questions.
_AFTER_RESET = (0.2, 0.5, 1.0, 2.0, 4.0)


class Cleaner:
    """Cleans builders; every method works on the one builder that is passed."""

    def __init__(
        self,
        *,
        storage: Transactor,
        epoch: Epoch,
        resetter: Resetter,
        utc_now: Callable[[], datetime],
        checkpoint: Callable[[str], None],
    ) -> None:
        self._storage = storage
        self._epoch = epoch
        self._resetter = resetter
        self._utc_now = utc_now
        self._checkpoint = checkpoint

    async def mark(
        self,
        builder: BuilderSnapshot,
        status: CleanStatus,
        reason: str,
        reset_output: str | None = None,
    ) -> BuilderSnapshot:
        """Record that `builder` has this clean status now, and what its reset printed."""
        return await self._storage.write(
            roster.set_clean_status,
            self._epoch,
            builder.id,
            builder.clean_status,
            status,
            reason,
            self._utc_now(),
            reset_output=reset_output,
        )

    async def reset(
        self, builder: BuilderSnapshot, client: BuilderClient, pause: Wakeup
    ) -> tuple[BuilderSnapshot, str]:
        """Run the reset command of a virtual builder; the builder as it is now, and the output.

        With protocol 1.1 the builder is CLEANING meanwhile and answers IDLE when this returns; the
        caller records it CLEAN, together with its next claim. With 2.0 it is CLEANING from when
        the command returned until somebody reports the end. Raises ResetFailed, with what the
        command printed recorded on the builder.
        """
        asynchronous = builder.vm_reset_protocol is ResetProtocol.ASYNCHRONOUS
        if not asynchronous and builder.clean_status is CleanStatus.DIRTY:
            builder = await self.mark(builder, CleanStatus.CLEANING, "its reset begins")
        self._checkpoint("clean.resetting")
        try:
            output = await self._resetter.reset(builder)
            self._checkpoint("clean.reset")
            if not asynchronous:
                await self._expect_idle(client, pause, output)
        except ResetFailed as error:
            await self.mark(builder, builder.clean_status, str(error), error.output)
            raise
        if asynchronous:
            builder = await self.mark(
                builder, CleanStatus.CLEANING, "its reset was accepted", reset_output=output
            )
        return builder, output

    async def _expect_idle(self, client: BuilderClient, pause: Wakeup, output: str) -> None:
        """Wait for a builder to answer IDLE whose reset has just ended and printed `output`."""
        for delay in (*_AFTER_RESET, None):
            try:
                observation = await client.fetch_status()
            except BuilderError as error:
                if delay is None:
                    raise ResetFailed(
                        f"the reset command returned and the builder does not answer: {error}",
                        output,
                    ) from error
                await pause.sleep(delay)
                continue
            if observation.status is not DaemonStatus.IDLE:
                raise ResetFailed(
                    "the reset command returned and the builder still says "
                    f"{observation.status.name}; does the command reset the right machine?",
                    output,
                )
            return

    async def clean_after_gather(self, client: BuilderClient) -> None:
        """Tell a real builder, all of whose answers came, to forget its results.

        Raises BuilderError where its answer is missing or is not IDLE: the builder is then DIRTY
        like any other.
        """
        answer = await client.clean()
        if answer is not DaemonStatus.IDLE:
            raise BuilderNonsense(f"`clean` was answered {answer.name} instead of IDLE")
        self._checkpoint("clean.done")

    async def confirm_idle(self, client: BuilderClient) -> bool:
        """Ask once more, after a first IDLE; whether the builder still says so."""
        observation = await client.fetch_status()
        return observation.status is DaemonStatus.IDLE
