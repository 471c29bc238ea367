"""What finders and operations are given: the farm, and who asks.

Layer 5. Tests: tests/unit/webservice.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from buildfarm.depwait.stage import Outcome
from buildfarm.filestore.store import FileStore
from buildfarm.flow.bodystream import BodyStream
from buildfarm.flow.reactors import Clock
from buildfarm.flow.threads import Workers
from buildfarm.storage.acts import Committed
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts.permissions import Deed, may_see, private_seen, refusal, told_of_own_trouble
from buildfarm.vocab.access import Visitor
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.health import Health
from buildfarm.webservice.answers import Denied
from buildfarm.webservice.forms import Form
from buildfarm.webservice.receiving import Receiving

P = ParamSpec("P")
T = TypeVar("T")


class Live(Protocol):
    """The scanners of this process; `assembly.live.LiveFarm`."""

    def pauses(self) -> tuple[str, ...]:
        """Why dispatch pauses, as sentences."""

    def troubles(self) -> Mapping[int, str]:
        """What each builder that fails at present does wrong, by builder id."""


@dataclass(frozen=True, slots=True)
class Farm:
    """What the service stands on; `workers` are the file threads.

    `retry_dep_waiting` takes the id of an archive; see `depwait.stage.DepWaits.retry_now`.
    """

    reactor: Clock
    storage: Transactor
    store: FileStore
    workers: Workers
    receiving: Receiving
    live: Live
    health: Callable[[], Awaitable[Health]]
    retry_dep_waiting: Callable[[int], Awaitable[tuple[Outcome, ...]]]
    utc_now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Context:
    """One request's view of the farm."""

    farm: Farm
    visitor: Visitor

    def utc_now(self) -> datetime:
        """The time, in naive UTC."""
        return self.farm.utc_now()

    @property
    def actor(self) -> str:
        """Who events name."""
        return self.visitor.person or "anybody"

    @property
    def seen(self) -> frozenset[str] | None:
        """The private archives that the visitor may see; None means all of them."""
        return private_seen(self.visitor)

    def pauses(self) -> tuple[str, ...]:
        """Why dispatch pauses, as far as the visitor may know it."""
        return told_of_own_trouble(self.seen, self.farm.live.pauses())

    def sees(self, archive: ArchiveSnapshot) -> bool:
        """Whether the visitor may know of what belongs to `archive`."""
        return may_see(self.visitor, archive.name, private=archive.private)

    def require(self, deed: Deed, archive: str | None = None) -> None:
        """Raises Denied unless the visitor may do `deed`, in `archive` where it belongs to one."""
        sentence = refusal(self.visitor, deed, archive)
        if sentence is not None:
            raise Denied(HTTPStatus.UNAUTHORIZED, sentence)

    def receiving(self, body: BodyStream, content_type: str) -> AbstractAsyncContextManager[Form]:
        """The form that the visitor sends; see `receiving.Receiving.receiving`."""
        return self.farm.receiving.receiving(self.actor, body, content_type)

    async def read(
        self, query: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The answer of a query."""
        return await self.farm.storage.read(query, *args, **kwargs)

    async def write(
        self, act: Callable[Concatenate[Any, P], Committed[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Carry out an act."""
        return await self.farm.storage.write(act, *args, **kwargs)
