"""How one test case is run in the reactor, and how its failure is told.

Beside the layers; its tests are in `tests/functional/farmtesting/test_cases.py`.
"""

from collections.abc import Mapping
from typing import Any

from testtools.content import Content
from testtools.testresult.real import ExtendedToOriginalDecorator
from testtools.twistedsupport import AsynchronousDeferredRunTest
from testtools.twistedsupport._spinner import Spinner

#: Seconds for set-up, tear-down and clean-ups on top of what the test itself may take.
GRACE = 30.0

#: Logged by the reactor after every test.
_LAST_LINE = "Main loop terminated."


class _NamingSpinner(Spinner):
    """Turns the reactor twice after a test, then names the delayed calls that are left.

    After those turns a connection closed in the last step is gone; what is left is the test's
    fault. A delayed call forgets its function when it is cancelled, so it is described before.
    """

    def _clean(self) -> list[object]:
        for _ in range(2):
            self._reactor.iterate(0)
        names = [str(call) for call in self._reactor.getDelayedCalls()]
        selectables = super()._clean()[len(names) :]  # type: ignore[no-untyped-call]
        self._junk = names + selectables
        return self._junk


class FarmRunTest(AsynchronousDeferredRunTest):
    """Runs one case in the reactor until it has really ended."""

    def __init__(self, case: Any, handlers: Any = None, last_resort: Any = None) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            case, handlers=handlers, last_resort=last_resort, timeout=case.timeout + GRACE
        )
        self._errors: list[BaseException] = []

    def _make_spinner(self) -> Spinner:
        return _NamingSpinner(self._reactor)  # type: ignore[no-untyped-call]

    def _run_one(self, result: Any) -> Any:
        return self._run_prepared_result(_TellingErrors(result, self._errors))  # type: ignore[arg-type]

    def _got_user_exception(self, exc_info: Any, tb_label: str = "traceback") -> object:
        if exc_info[1] is not None:
            self._errors.append(exc_info[1].with_traceback(exc_info[2]))
        return super()._got_user_exception(exc_info, tb_label)


class _TellingErrors(ExtendedToOriginalDecorator):
    """Hands the errors themselves to pytest, where testtools would flatten them into text."""

    def __init__(self, decorated: Any, errors: list[BaseException]) -> None:
        super().__init__(decorated)
        self._errors = errors

    def addError(self, test: Any, err: Any = None, details: Any = None) -> None:
        """Tell pytest what the test failed with; testtools keeps the details of it."""
        self.decorated.addError(test, err or self._exc_info(details or {}))

    def addFailure(self, test: Any, err: Any = None, details: Any = None) -> None:
        """The same for a failed assertion."""
        self.addError(test, err, details)

    def _exc_info(self, details: Mapping[str, Content]) -> Any:
        if not self._errors:
            return self._details_to_exc_info(dict(details))
        error = self._errors[0]
        if len(self._errors) > 1:
            error = BaseExceptionGroup("the test failed more than once", self._errors)
        for line in details["twisted-log"].as_text().splitlines():
            if not line.endswith(_LAST_LINE):
                error.add_note(line)
        if error.__traceback__ is None:
            error = _raised(error)
        return type(error), error, error.__traceback__


def _raised(error: BaseException) -> BaseException:
    """`error` with a traceback, which one that was only carried by a Failure has not."""
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - whatever the test failed with
        return caught
