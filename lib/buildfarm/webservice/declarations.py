"""What the web service offers, as data: the WADL, the representations and the checks come from it.

An entry type has fields and named operations; a collection has entries of one type and operations
of its own. Whoever adds a field adds one `Field`, and every client sees it: the WADL describes it,
representations carry it, and a PATCH is checked against it.

Layer 5. Tests: tests/unit/webservice.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from buildfarm.verdicts.permissions import Deed
from buildfarm.webservice.batches import Batch

#: What a value is read as that this visitor may not see; launchpadlib knows it.
REDACTED = "tag:launchpad.net:2008:redacted"


class Kind(Enum):
    """What a value is on the wire; `value` is its type in the WADL, if it has one there."""

    TEXT = ""
    INTEGER = "xsd:int"
    NUMBER = "xsd:double"
    BOOLEAN = "xsd:boolean"
    TIME = "xsd:dateTime"
    FILE = "binary"
    LIST = "list"
    MAPPING = "mapping"
    LINK = "link"
    WEB = "web page"
    COLLECTION = "collection"


@dataclass(frozen=True, slots=True)
class Field:
    """One value of an entry, read from its subject by `read`.

    A LINK or COLLECTION is read as a path below the service root, or None; `target` names the
    entry type that it leads to. WEB is read as a path below the root of the web site. What this
    visitor may not see is read as `REDACTED`. Null may be written to an `optional` one. One that
    `moves` changes by itself too, so that a conditional write does not compare it.
    """

    name: str
    read: Callable[[Any], Any]
    doc: str
    kind: Kind = Kind.TEXT
    target: str = ""
    choices: tuple[str, ...] = ()
    writable: bool = False
    optional: bool = False
    moves: bool = False

    @property
    def wire_name(self) -> str:
        """The key in representations: links say that they are links."""
        return self.name + _SUFFIXES.get(self.kind, "")


_SUFFIXES = {Kind.LINK: "_link", Kind.COLLECTION: "_collection_link"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a named operation; a LINK is given as the URL of an entry of `target`."""

    name: str
    doc: str
    kind: Kind = Kind.TEXT
    target: str = ""
    choices: tuple[str, ...] = ()
    required: bool = True


class Answer(Enum):
    """What an operation answers with."""

    VALUE = "plain JSON"
    ENTRY = "one entry, or null"
    PAGE = "a collection"
    CREATED = "the address of a new entry"


@dataclass(frozen=True, slots=True)
class Operation:
    """A named operation: a GET where it changes nothing, else a POST.

    `call(context, subject, **arguments)` does it; `subject` is None for one of a collection. One
    with files gets them as `files`. `deed` is what the visitor must be permitted, which is asked
    before anything else is looked at; whatever changes something has one. `listed` is the type of
    the entries that a CREATED answer lists.
    """

    name: str
    call: Callable[..., Awaitable[Any]]
    doc: str
    parameters: tuple[Parameter, ...] = ()
    answer: Answer = Answer.VALUE
    target: str = ""
    changes: bool = False
    deed: Deed | None = None
    listed: str = ""

    def __post_init__(self) -> None:
        if self.method == "POST" and self.deed is None:
            raise ValueError(f"{self.name} changes something, and does not say who may.")

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "POST" if self.changes or self.answer is Answer.CREATED else "GET"

    @property
    def has_file(self) -> bool:
        """Whether its arguments come as multipart/form-data."""
        return any(parameter.kind is Kind.FILE for parameter in self.parameters)


@dataclass(frozen=True, slots=True, eq=False)
class EntryType:
    """A kind of entry: `name` is its id in the WADL.

    `path(subject)` is its address below the service root. `change(context, subject, values)`
    carries out a PATCH whose values were checked against the writable fields, and gives the new
    subject, or raises StaleState where another has written since `subject` was read; without it
    nothing is writable. `kind_of(subject)` names another entry type where a
    subject is of that: a team among people. `deed` is what a visitor must be permitted to change
    it, and `archive_of(subject)` the archive that deeds on it belong to, where they do. No more
    than one operation has files, so that it is known which is called before they are there.
    """

    name: str
    doc: str
    path: Callable[[Any], str]
    fields: tuple[Field, ...]
    operations: tuple[Operation, ...] = ()
    change: Callable[..., Awaitable[Any]] | None = None
    kind_of: Callable[[Any], str] | None = None
    deed: Deed | None = None
    archive_of: Callable[[Any], str] | None = None

    def __post_init__(self) -> None:
        if self.change is not None and self.deed is None:
            raise ValueError(f"A {self.name} can be changed, and does not say by whom.")
        if sum(operation.has_file for operation in self.operations) > 1:
            raise ValueError(f"A {self.name} has several operations with files.")


@dataclass(frozen=True, slots=True)
class CollectionType:
    """A collection at the top of the service: `name` is its id in the WADL.

    `path` is its address below the root where that is not its name.
    """

    name: str
    doc: str
    target: str
    operations: tuple[Operation, ...] = ()
    path: str = ""

    @property
    def address(self) -> str:
        """Its path below the service root."""
        return self.path or self.name


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a collection: its subjects, and how many there are in all."""

    subjects: Sequence[Any]
    total: int

    @classmethod
    def of(cls, every: Sequence[Any], wanted: Batch) -> "Page":
        """The part that is wanted of what is all at hand."""
        return cls(every[wanted.start : wanted.start + wanted.size], len(every))


@dataclass(frozen=True, slots=True)
class Created:
    """A new entry, and what else there is to list of it."""

    subject: Any
    listed: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that is declared, by name."""

    entries: dict[str, EntryType] = field(default_factory=dict)
    collections: dict[str, CollectionType] = field(default_factory=dict)
    tops: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        entries: Sequence[EntryType],
        collections: Sequence[CollectionType],
        tops: Mapping[str, str] | None = None,
    ) -> "Service":
        """The service of these; raises ValueError where a target is not among them.

        `tops` are entries that the root links to, with their addresses.
        """
        service = cls(
            {one.name: one for one in entries},
            {one.name: one for one in collections},
            dict(tops or {}),
        )
        for owner, target in _targets(service):
            if target and target not in service.entries:
                raise ValueError(f"{owner} leads to {target!r}, which is not declared.")
        return service


def _targets(service: Service) -> list[tuple[str, str]]:
    found = [(one.name, one.target) for one in service.collections.values()]
    found += [("The root", name) for name in service.tops]
    for entry in service.entries.values():
        found += [(f"{entry.name}.{one.name}", one.target) for one in entry.fields]
    kinds: list[EntryType | CollectionType] = [*service.entries.values()]
    for kind in [*kinds, *service.collections.values()]:
        for operation in kind.operations:
            found.append((f"{kind.name}.{operation.name}", operation.target))
            found.append((f"{kind.name}.{operation.name}", operation.listed))
            found += [(f"{kind.name}.{operation.name}", one.target) for one in operation.parameters]
    return found
