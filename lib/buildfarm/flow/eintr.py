"""Layer 2: system calls that a signal interrupted, made again.

Since PEP 475 the interpreter repeats its own system calls: `os.read`, `open`, `fcntl.flock`,
`os.waitpid`, `select.poll`, `time.sleep` and the like go on after a signal whose Python-level
part did not raise. It does not do so for

- C libraries that make system calls themselves and report EINTR in an exception class of their
  own, or by its text only (libpq is none of them: docs/decisions/075);
- calls after a signal whose Python-level part raises InterruptedError itself;
- `os.close`, whose descriptor is gone after EINTR and must not be closed again: never in here.

Waits for locks go through `retrying_eintr`.

Tests: tests/unit/flow/test_eintr.py, tests/functional/flow/test_eintr.py.
"""

import errno
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: Signals come one at a time: a call that fails so often in a row is not being interrupted.
_MOST_TRIES = 1000

_TEXT = os.strerror(errno.EINTR).lower()


def is_interruption(error: BaseException | None) -> bool:
    """Whether `error` is EINTR: itself, by a driver's own class and text, or as its cause."""
    while error is not None:
        if isinstance(error, OSError):
            if isinstance(error, InterruptedError) or error.errno == errno.EINTR:
                return True
        elif isinstance(error, Exception) and _TEXT in str(error).lower():
            return True
        error = error.__cause__
    return False


def retrying_eintr(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function` until a signal no longer interrupts it; its result or other exception.

    `function` is called again from the beginning, so it is a whole act that may be repeated: one
    system call, or a transaction that has been rolled back.
    """
    for _ in range(_MOST_TRIES - 1):
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if not is_interruption(error):
                raise
    return function(*args, **kwargs)
