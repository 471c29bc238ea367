"""Calls that a signal interrupted, made again."""

import errno
from collections.abc import Iterator

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.eintr import is_interruption, retrying_eintr


class DriverError(Exception):
    """A database driver's own class."""


def wrapped(cause: BaseException) -> DriverError:
    """What a driver makes of an error that it met."""
    error = DriverError("server closed the connection")
    error.__cause__ = cause
    return error


class RetryingTests(FarmTestCase):
    """Which failures are repeated, and which are not."""

    def failing(self, *errors: Exception) -> list[Exception]:
        """What is left of `errors` after a function that raises each of them once has returned."""
        pending: Iterator[Exception] = iter(errors)

        def function(first: int, *, second: int) -> tuple[int, int]:
            for error in pending:
                raise error
            return first, second

        self.assertEqual((1, 2), retrying_eintr(function, 1, second=2))
        return list(pending)

    def test_interrupted_system_call(self) -> None:
        """InterruptedError, and OSError with EINTR in a class of its own, are tried again."""

        class LibraryError(OSError):
            pass

        own = LibraryError(errno.EINTR, "read failed")
        self.assertEqual([], self.failing(InterruptedError(), OSError(errno.EINTR, ""), own))

    def test_wrapped_by_a_driver(self) -> None:
        """An interruption that a driver tells by its text, or as the cause, is tried again."""
        by_text = DriverError("could not receive data: Interrupted system call")
        by_cause = wrapped(wrapped(InterruptedError()))
        self.assertEqual([], self.failing(by_text, by_cause))

    def test_other_errors(self) -> None:
        """Any other error is the caller's at once."""
        for error in (OSError(errno.EIO, "I/O error"), DriverError("syntax"), wrapped(KeyError())):
            calls: list[Exception] = []

            def function(error: Exception = error, calls: list[Exception] = calls) -> None:
                calls.append(error)
                raise error

            self.assertRaises(type(error), retrying_eintr, function)
            self.assertEqual([error], calls)

    def test_never_ends(self) -> None:
        """A call that always fails so is not interrupted but broken: its error comes out."""

        def function() -> None:
            raise InterruptedError

        self.assertRaises(InterruptedError, retrying_eintr, function)

    def test_no_error(self) -> None:
        """Nothing is no interruption."""
        self.assertFalse(is_interruption(None))
