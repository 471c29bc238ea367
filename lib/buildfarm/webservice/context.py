"""What finders and operations are given: the farm, and who asks.

Layer 5. Tests: tests/unit/webservice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec, TypeVar

from buildfarm.storage.acts import Committed
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts.permissions import Deed, may_see, refusal
from buildfarm.vocab.access import Visitor
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.webservice.answers import Denied

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """One request's view of the farm."""

    storage: Transactor
    utc_now: Callable[[], datetime]
    visitor: Visitor

    @property
    def actor(self) -> str:
        """Who events name."""
        return self.visitor.person or "anybody"

    @property
    def seen(self) -> frozenset[str] | None:
        """The private archives that the visitor may see; None means all of them."""
        if self.visitor.is_admin:
            return None
        return self.visitor.readable | self.visitor.uploadable

    def sees(self, archive: ArchiveSnapshot) -> bool:
        """Whether the visitor may know of what belongs to `archive`."""
        return may_see(self.visitor, archive.name, private=archive.private)

    def require(self, deed: Deed, archive: str | None = None) -> None:
        """Raises Denied unless the visitor may do `deed`, in `archive` where it belongs to one."""
        sentence = refusal(self.visitor, deed, archive)
        if sentence is not None:
            raise Denied(HTTPStatus.UNAUTHORIZED, sentence)

    async def read(
        self, query: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The answer of a query."""
        return await self.storage.read(query, *args, **kwargs)

    async def write(
        self, act: Callable[Concatenate[Any, P], Committed[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Carry out an act."""
        return await self.storage.write(act, *args, **kwargs)
