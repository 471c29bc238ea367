"""What an act would do, asked of the act itself and then undone.

For callers that have something outside the database to do between the question whether a request
is possible and the act: files to keep, an archive to make. The rules are then written once, in the
act. It may still be refused afterwards, where somebody else was faster.

Layer 3. Tests: tests/functional/storage/test_rehearsal.py.
"""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from buildfarm.storage.acts import Committed
from buildfarm.storage.transactor import Transactor

P = ParamSpec("P")
T = TypeVar("T")


class _Undone(Exception):
    """Rolls the act back, and carries what it had decided."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


async def rehearse(
    transactor: Transactor,
    act: Callable[Concatenate[Any, P], Committed[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """The value that `act` would decide now; nothing is changed and nothing announced.

    Raises what the act raises.
    """

    def rehearsed(store: Any) -> Committed[T]:
        raise _Undone(act(store, *args, **kwargs).value)

    try:
        return await transactor.write(rehearsed)
    except _Undone as undone:
        undone.__traceback__ = None  # its frames hold the group of acts, and that holds it
        return cast(T, undone.value)
