"""Which page has which path.

Layer 5. Tests: tests/unit/statuspage/test_routes.py.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from buildfarm.identity.sessions import Session
from buildfarm.statuspage.answers import Answer
from buildfarm.vocab.access import Visitor

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page.

    `places` are the parts of the path that the route names, `query` what follows the `?`, `form`
    what was posted. `headers` have lower-case names. `address` is whom to hold failures against,
    `origin` the scheme and host by which we were reached, such as `https://farm.example`.
    """

    path: str
    session: Session
    places: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]
    origin: str
    address: str

    @property
    def visitor(self) -> Visitor:
        """Who looks."""
        return self.session.visitor


Page = Callable[[Visit], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """A path such as `/builders/{name}`, what shows it, and what takes a form that is posted there.

    A form must bring the session's `csrf` word in a field of that name, unless it is
    `for_strangers`, who have none.
    """

    path: str
    show: Page | None = None
    act: Page | None = None
    for_strangers: bool = False


class Routes:
    """Every route."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(_pattern(route.path), route) for route in routes]

    def find(self, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The route of `path` (unquoted, from the slash on) with its places; None without one."""
        for pattern, route in self._routes:
            match = pattern.fullmatch(path)
            if match is not None:
                return route, match.groupdict()
        return None


def _pattern(path: str) -> re.Pattern[str]:
    """Each place is one name, without a slash."""
    parts = _PLACE.split(path)
    return re.compile(
        "".join(
            f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part)
            for index, part in enumerate(parts)
        )
    )
