"""What a fake daemon is told to do with a build, and how it fetches files.

Beside the layers; used by `fakedaemon`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from buildfarm.vocab.states import BuildOutcome
from buildfarm.wire.builderrpc import Value


class FetchFailed(Exception):
    """A download of the daemon failed; the message is the words of Python's `urlopen`."""


#: Fetches a URL with a user and a password; raises FetchFailed.
Fetch = Callable[[str, str, str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Order:
    """One accepted `build`. `files` are the contents of `filemap`'s files, by name."""

    build_id: str
    builder_type: str
    chroot: str
    filemap: Mapping[str, str]
    args: Mapping[str, Value]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Script:
    """What becomes of a build. Seconds count from its start, or from `abort`.

    With `abort_seconds` None, `abort` has no effect before the build ends by itself.
    """

    outcome: BuildOutcome = BuildOutcome.OK
    seconds: float = 10.0
    results: Mapping[str, bytes] = field(default_factory=dict)
    dependencies: str = ""
    log: bytes = b"RUN: builder-prep\nThe build went as its script says.\n" * 60
    abort_seconds: float | None = 1.0
