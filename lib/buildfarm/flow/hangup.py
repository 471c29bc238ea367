"""What a daemon does on SIGHUP, done in the reactor's own turn.

Layer 2. A Python signal handler runs between any two instructions of the main thread; here it only
asks the reactor for a call. Tests: tests/functional/flow/test_hangup.py.
"""

import signal
from collections.abc import Callable
from types import FrameType

from twisted.application.service import Service

from buildfarm.flow.reactors import ThreadReactor


class Hangup(Service):
    """While this service runs, each SIGHUP calls every one of `functions`, in order.

    SIGHUPs that arrive before the functions were called count as one. Must be started in the
    main thread.
    """

    def __init__(self, reactor: ThreadReactor, *functions: Callable[[], object]) -> None:
        self._reactor = reactor
        self._functions = functions
        self._asked = False
        self._before: signal.Handlers | object = signal.SIG_DFL

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Take over the signal."""
        super().startService()  # type: ignore[no-untyped-call]
        self._before = signal.signal(signal.SIGHUP, self._signalled)

    def stopService(self) -> None:  # noqa: N802 - Twisted's name
        """Give the signal back."""
        signal.signal(signal.SIGHUP, self._before)  # type: ignore[arg-type]
        super().stopService()  # type: ignore[no-untyped-call]

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if not self._asked:
            self._asked = True
            self._reactor.callFromThread(self._call)

    def _call(self) -> None:
        self._asked = False
        for function in self._functions:
            function()
