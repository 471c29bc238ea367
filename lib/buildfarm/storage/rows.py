"""Rows in, snapshots out: how each snapshot of `vocab` is read from its table.

SQLite answers numbers for booleans and text for times, PostgreSQL the real things: both are
understood here, and nowhere else.

Layer 3. Tests: tests/unit/storage/test_rows.py.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar

from storm.expr import Expr

from buildfarm.storage import tables
from buildfarm.vocab.archive import ArchiveSnapshot, ChrootSnapshot
from buildfarm.vocab.build import (
    AttemptSnapshot,
    BuildSnapshot,
    EventSnapshot,
    Requirement,
    StoredFile,
)
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.states import (
    AttemptOutcome,
    AttemptState,
    BuildState,
    CleanStatus,
    ResetProtocol,
    UploaderKind,
)

T = TypeVar("T")
Row = Sequence[Any]
Decode = Callable[[Any], Any]


def columns(table: type, *names: str) -> tuple[Any, ...]:
    """The columns of `table` with these names."""
    return tuple(getattr(table, name) for name in names)


def time_of(value: Any) -> Any:
    """A column of time as a datetime, or None."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


@lru_cache(maxsize=4096)
def texts_of(value: str) -> tuple[str, ...]:
    """A column of several texts, of which most come again and again; see `texts_as_json`."""
    return tuple(json.loads(value))


def texts_as_json(texts: Iterable[str]) -> str:
    """Several texts as one column holds them, in their order."""
    return json.dumps(list(texts), separators=(",", ":"))


def files_of(value: str) -> tuple[StoredFile, ...]:
    """A column of files; see `files_as_json`."""
    return tuple(StoredFile(*file) for file in json.loads(value))


def files_as_json(files: Iterable[StoredFile]) -> str:
    """Files as one column holds them, in their order."""
    return json.dumps(
        [(file.name, file.size, file.sha1, file.sha256) for file in files], separators=(",", ":")
    )


def optional(decode: Decode) -> Decode:
    """`decode`, with None left as it is."""
    return lambda value: None if value is None else decode(value)


class Shape(Generic[T]):
    """How one snapshot class is read: the columns to select, and the snapshot of such a row."""

    def __init__(
        self,
        snapshot: type[T],
        table: type,
        decode: Mapping[str, Decode],
        elsewhere: Mapping[str, Expr] | None = None,
    ) -> None:
        """Each field is the column of its name in `table`, or the one that `elsewhere` says.

        `decode` says how the fields are read that the database does not answer as they are.
        """
        elsewhere = elsewhere or {}
        names = [field.name for field in fields(snapshot)]  # type: ignore[arg-type]
        self.columns = tuple(elsewhere.get(name) or getattr(table, name) for name in names)
        self._snapshot = snapshot
        self._decoders = [(names.index(name), decoder) for name, decoder in decode.items()]

    def read(self, row: Row, start: int = 0) -> T:
        """The snapshot of a row whose `columns` begin at index `start`."""
        values = list(row[start : start + len(self.columns)])
        for index, decoder in self._decoders:
            values[index] = decoder(values[index])
        return self._snapshot(*values)


BUILDER = Shape(
    BuilderSnapshot,
    tables.Builder,
    {
        "processors": texts_of,
        "virtualized": bool,
        "vm_reset_protocol": optional(ResetProtocol),
        "open_resources": texts_of,
        "restricted_resources": texts_of,
        "builderok": bool,
        "manual": bool,
        "active": bool,
        "clean_status": CleanStatus,
        "date_clean_status_changed": time_of,
    },
)

ARCHIVE = Shape(
    ArchiveSnapshot,
    tables.Archive,
    {
        "suites": texts_of,
        "architectures": texts_of,
        "bases": texts_of,
        "trusted_keys": texts_of,
        "uploader": UploaderKind,
        "private": bool,
        "virtualized": bool,
    },
)

CHROOT = Shape(ChrootSnapshot, tables.Chroot, {})

REQUIREMENT = Shape(Requirement, tables.Requirement, {"virtualized": bool, "resources": texts_of})

#: Needs `build JOIN archive`.
BUILD = Shape(
    BuildSnapshot,
    tables.Build,
    {
        "arch_indep": bool,
        "virtualized": bool,
        "state": BuildState,
        "created": time_of,
        "started": time_of,
        "finished": time_of,
    },
    {"archive": tables.Archive.name},
)

#: Needs `attempt JOIN builder`.
ATTEMPT = Shape(
    AttemptSnapshot,
    tables.Attempt,
    {
        "state": AttemptState,
        "outcome": optional(AttemptOutcome),
        "claimed": time_of,
        "sent": time_of,
        "confirmed": time_of,
        "gathered": time_of,
        "closed": time_of,
        "prepared": bool,
        "next_try": time_of,
        "files": files_of,
    },
    {"builder_name": tables.Builder.name},
)

#: Needs `event LEFT JOIN builder`.
EVENT = Shape(EventSnapshot, tables.Event, {"time": time_of}, {"builder": tables.Builder.name})
