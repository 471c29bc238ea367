"""Lists in pages, and what narrows them, as the address of a page says it.

Layer 5. Tests: tests/unit/statuspage/test_paging.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")

#: Lines of one page.
SIZE = 100

#: Pages that can be asked for: who looks further narrows the list.
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """The lines of one page, numbered from 1, of a list of `total`."""

    items: Sequence[T]
    number: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.total // SIZE))

    @property
    def first(self) -> int:
        """The number in the whole list of the first line; 0 without one."""
        return (self.number - 1) * SIZE + 1 if self.items else 0

    @property
    def last(self) -> int:
        """That of the last line."""
        return self.first + len(self.items) - 1 if self.items else 0


def part(items: Sequence[T], number: int) -> Part[T]:
    """The page `number` of a list, or its last page."""
    number = min(number, max(1, -(-len(items) // SIZE)))
    return Part(items[(number - 1) * SIZE : number * SIZE], number, len(items))


def page_number(query: Mapping[str, str]) -> int:
    """The page that an address asks for: 1 where it asks for none that could be."""
    text = query.get("page", "1")
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 1
    return min(max(number, 1), MOST)


def address(path: str, **query: object) -> str:
    """`path` with those of the arguments that say something."""
    said = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(said)}" if said else path
