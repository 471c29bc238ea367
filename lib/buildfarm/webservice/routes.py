"""Which address is of what: the path of a request in, its route and the parts of the path out.

Layer 5. Tests: tests/unit/webservice/test_service.py.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from buildfarm.webservice.answers import not_found
from buildfarm.webservice.declarations import CollectionType, EntryType

#: How a request finds its subject: path segments in, the subject (None: there is none) out.
Find = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """Addresses of one shape: `pattern` has a `*` for each part that `find(context, *parts)` gets.

    An entry's `find` gives its subject. A collection's is called with the batch as well and gives
    a Page, or None where what the collection belongs to is not there; `target` is then the type
    of its entries, and `collection` what has its operations, if any.
    """

    pattern: str
    find: Find
    kind: EntryType | None = None
    collection: CollectionType | None = None
    target: str = ""


class Routes:
    """Some routes; the first that fits is taken."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [(tuple(one.pattern.strip("/").split("/")), one) for one in routes]

    def find(self, path: str) -> tuple[Route, list[str]]:
        """The route of `path`, and what stands in it for each `*`. Raises Denied for none."""
        segments = path.strip("/").split("/")
        if "\0" in path:  # which no name has, and PostgreSQL would not look for
            raise not_found(path)
        for pattern, route in self._routes:
            if len(pattern) == len(segments) and all(
                part in ("*", segment) or (part.startswith("~*") and segment.startswith("~"))
                for part, segment in zip(pattern, segments, strict=True)
            ):
                return route, [
                    segment.removeprefix("~") if part == "~*" else segment
                    for part, segment in zip(pattern, segments, strict=True)
                    if part in ("*", "~*")
                ]
        raise not_found(path)
