"""`/metrics`: what Prometheus reads.

Layer 5. Tests: tests/functional/assembly/test_metrics.py.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from buildfarm.monitoring.answering import answer_later
from buildfarm.monitoring.families import CONTENT_TYPE


class MetricsResource(Resource):
    """Anybody may ask: nothing that is shown is private."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, render: Callable[[], Awaitable[bytes]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._render = render

    def render_GET(self, request: Request) -> int:  # noqa: N802 - Twisted's name
        """Answer, later; HEAD comes here too."""
        answer_later(request, self._answer, CONTENT_TYPE)
        return NOT_DONE_YET

    async def _answer(self) -> tuple[int, bytes]:
        return HTTPStatus.OK, await self._render()
