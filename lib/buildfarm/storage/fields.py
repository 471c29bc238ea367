"""Fields that an operator may set, and how each is stored.

Layer 3. Tests: tests/unit/storage/test_roster.py, test_archives.py.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from buildfarm.vocab.errors import Refused

Stored = Mapping[str, Callable[[Any], Any]]


def as_is(value: Any) -> Any:
    """A value that the database takes as it is, None included."""
    return value


def word_of(kind: type[Enum]) -> Callable[[Any], str | None]:
    """The word of a member of `kind`, given as the member or the word; None stays None."""
    return lambda value: None if value is None else str(kind(value).value)


def columns_of(
    table: type, settable: Stored, changes: Mapping[str, object], what: str
) -> dict[Any, Any]:
    """`changes`, by field, as columns of `table` with the values to store.

    Raises Refused for a field that cannot be set, and a word that no field has; `what` says of
    whom.
    """
    columns = {}
    for field, value in changes.items():
        if field not in settable:
            raise Refused(f"{field!r} of {what} cannot be set.")
        try:
            columns[getattr(table, field)] = settable[field](value)
        except ValueError as error:
            raise Refused(f"{field!r} of {what} cannot be set so: {error}.") from error
    return columns
