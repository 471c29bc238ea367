"""Layer 2: what `flow` asks of a reactor, as types.

Twisted's interfaces are zope ones, which a type checker cannot follow; these say the same.
`twisted.internet.task.Clock` is a `Clock`; every real reactor is all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from twisted.internet.protocol import ProcessProtocol


class Timer(Protocol):
    """A call that a clock will make.

    `time` is when the clock looks at it next; a `reset` to a later time does not change that.
    """

    time: float

    def cancel(self) -> None:
        """Do not make the call; an error where it was made or cancelled already."""

    def active(self) -> bool:
        """Whether the call is still to be made."""

    def reset(self, seconds: float, /) -> None:
        """Make the call `seconds` from now instead."""


class Clock(Protocol):
    """Time as a reactor gives it."""

    def seconds(self) -> float:
        """Seconds since a fixed moment that means nothing else."""

    def callLater(  # noqa: N802 - Twisted's name
        self, delay: float, function: Callable[..., Any], /, *args: object, **kwargs: object
    ) -> Timer:
        """Call `function` in `delay` seconds."""


class ThreadReactor(Clock, Protocol):
    """A clock that other threads may hand calls to."""

    def callFromThread(  # noqa: N802 - Twisted's name
        self, function: Callable[..., Any], /, *args: object, **kwargs: object
    ) -> None:
        """Call `function` in the reactor thread, soon; may be used in any thread."""


class ProcessReactor(Clock, Protocol):
    """A clock that starts processes and reads from file descriptors."""

    def spawnProcess(  # noqa: N802 - Twisted's name
        self,
        protocol: ProcessProtocol,
        executable: str,
        args: Sequence[str] = ...,
        env: Mapping[str, str] | None = ...,
        path: str | None = ...,
        *,
        childFDs: Mapping[int, int] | None = ...,  # noqa: N803 - Twisted's name
    ) -> Any:
        """Start `executable`; `childFDs` maps its descriptors to ours."""

    def addReader(self, reader: Any, /) -> None:  # noqa: N802 - Twisted's name
        """Call `reader.doRead` whenever its descriptor has something to read."""

    def removeReader(self, reader: Any, /) -> None:  # noqa: N802 - Twisted's name
        """Stop doing so."""
