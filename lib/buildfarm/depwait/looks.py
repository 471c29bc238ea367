"""Has a child look at package indexes, one child at a time.

Layer 4. Tests: tests/functional/depwait/test_reading.py.
"""

import json
import os
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from buildfarm.depwait.indexes import Index
from buildfarm.depwait.reading import Look, Request, answer_of
from buildfarm.flow.children import CommandResult, run_command
from buildfarm.flow.threads import Workers
from buildfarm.vocab.errors import FarmError
from buildfarm.vocab.settings import Settings
from buildfarm.vocab.text import one_line

#: Bytes that a child may answer.
_MAX_ANSWER = 16 * 1024 * 1024

#: Names that one child looks for, as many as builds of one look can name, and indexes.
MAX_NAMES = 50_000
MAX_INDEXES = 500


#: Where the modules are, how the world is reached, and whom we trust there.
_PASSED_ON = (
    "PYTHONPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


class LookFailed(FarmError):
    """The indexes could not be looked at; it is tried again."""


class Looker:
    """Looks at indexes, with what was fetched kept in the settings' `indexes_dir`."""

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        workers: Workers,
        utc_now: Callable[[], datetime],
    ) -> None:
        """`workers` are the file threads."""
        self.settings = settings
        self._reactor = reactor
        self._workers = workers
        self._utc_now = utc_now

    async def look(
        self, indexes: Sequence[Index], names: Collection[str], fresh_for: float, *, every: bool
    ) -> tuple[Look, ...]:
        """What each of `indexes` has of `names`, in their order; see `reading.Request`.

        Raises LookFailed where the child fails as a whole.
        """
        settings = self.settings.depwait
        request = Request(
            mirror=str(self.settings.indexes_dir),
            max_bytes=settings.max_index_bytes,
            now=self._utc_now().replace(tzinfo=UTC).timestamp(),
            fresh_for=fresh_for,
            indexes=[(index.directory, index.relative) for index in indexes[:MAX_INDEXES]],
            names=sorted(names)[:MAX_NAMES],
            every=every,
            seconds=settings.deadline,
        )
        path = self.settings.manager.state_dir / "indexes.request"
        await self._workers.run(_write, path, request)
        try:
            result = await self._run_child(path)
        finally:
            path.unlink(missing_ok=True)  # it may name passwords
        if not result.succeeded or result.dropped:
            said = one_line(result.output[-300:])
            raise LookFailed(f"The look at package indexes {result.ending}: {said}")
        try:
            # In a thread: an answer may name ten thousand packages.
            return tuple(await self._workers.run(answer_of, result.output))
        except (ValueError, TypeError, KeyError) as error:
            raise LookFailed("The look at package indexes has no readable answer.") from error

    async def _run_child(self, path: Path) -> CommandResult:
        return await run_command(
            self._reactor,
            [sys.executable, "-P", "-m", "buildfarm.depwait.reading", str(path)],
            deadline=self.settings.depwait.deadline,
            max_output=_MAX_ANSWER,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )


def _write(path: Path, request: Request) -> None:
    """Write the request where only we can read it: it may name passwords."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(asdict(request), stream)
