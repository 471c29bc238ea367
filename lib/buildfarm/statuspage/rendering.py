"""Templates rendered in pieces, between which the reactor does what else there is to do.

Layer 5. Tests: tests/unit/statuspage/test_rendering.py.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from jinja2 import Environment
from twisted.internet.task import deferLater

from buildfarm.flow.reactors import Clock

#: Seconds for which a page is rendered before others have their turn (DESIGN section 5, rule 3).
SLICE = 0.002

#: Pieces of a template between two looks at the clock: each is a few dozen characters.
_PIECES = 25


class Renderer:
    """Renders the templates of `environment`."""

    def __init__(self, reactor: Clock, environment: Environment) -> None:
        self._reactor = reactor
        self._environment = environment

    async def render(self, template: str, values: Mapping[str, Any]) -> bytes:
        """The page, in UTF-8."""
        pieces = self._environment.get_template(template).generate(values)
        done: list[str] = []
        until = self._reactor.seconds() + SLICE
        while some := list(islice(pieces, _PIECES)):
            done += some
            if self._reactor.seconds() >= until:
                await deferLater(self._reactor, 0)  # type: ignore[arg-type]
                until = self._reactor.seconds() + SLICE
        return "".join(done).encode("utf-8", "backslashreplace")
