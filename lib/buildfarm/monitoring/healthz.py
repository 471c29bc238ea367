"""`/healthz`: 200 while the manager is well, 503 with what is wrong, a sentence a line.

Layer 5. Tests: tests/unit/monitoring/test_healthz.py, tests/functional/assembly/test_health.py.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from buildfarm.monitoring.answering import PLAIN, answer_later
from buildfarm.vocab.health import Health

#: What is said of a manager that is well.
WELL = "The farm is well.\n"


class HealthResource(Resource):
    """Anybody may ask; `fetch_health` says what is wrong, in words that anybody may read."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, fetch_health: Callable[[], Awaitable[Health]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._fetch_health = fetch_health

    def render_GET(self, request: Request) -> int:  # noqa: N802 - Twisted's name
        """Answer, later; HEAD comes here too."""
        answer_later(request, self._answer, PLAIN)
        return NOT_DONE_YET

    async def _answer(self) -> tuple[int, bytes]:
        health = await self._fetch_health()
        if health.ok:
            return HTTPStatus.OK, WELL.encode()
        sentences = "".join(f"{trouble}\n" for trouble in health.troubles)
        return HTTPStatus.SERVICE_UNAVAILABLE, sentences.encode()
