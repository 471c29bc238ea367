"""The root of what people see: pages by their routes, and beside them resources of other kinds.

A page is an `async` function of a `Visit` (`statuspage.routes`) that gives an `Answer`
(`statuspage.answers`): a `View` is a template with its values, which may use `visit` besides. What
it raises becomes an error page: `Declined` and the gate's TurnedAway as they say, `Refused` with
its sentence, StorageError as 503.

Layer 5. Tests: tests/functional/statuspage/test_site.py.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import CACHED
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from buildfarm.flow.reactors import Clock
from buildfarm.identity.gate import Gate, TurnedAway
from buildfarm.identity.sessions import NO_SESSION, Session
from buildfarm.statuspage.answers import HTML, Answer, Declined, Reply, Stream, View
from buildfarm.statuspage.headers import HEADERS
from buildfarm.statuspage.rendering import Renderer
from buildfarm.statuspage.routes import Page, Route, Routes, Visit
from buildfarm.statuspage.snapshots import Snapshots
from buildfarm.vocab.errors import Refused, StorageError

_FORM = "application/x-www-form-urlencoded"

#: Fields of a query or a form; more is an attack.
_MAX_FIELDS = 100

#: Seconds for which a page that many get is kept; what it shows is older than that sooner.
_RENDERED_FOR = 10.0

_AWAY = "The farm's database cannot be used now. Builders go on; look again in a moment."
_FAILED = "This page has failed. What went wrong is in the log of the farm."


class PeopleRoot(Resource):
    """`/`: children that were put there go first, everything else is a page."""

    def __init__(self, pages: "PagesResource") -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._pages = pages

    def getChild(self, path: bytes, request: Request) -> Resource:  # noqa: N802 - Twisted's name
        """The pages, which look at the whole path themselves."""
        return self._pages


class PagesResource(Resource):
    """Answers every path that `routes` have, and all others with a page that says so."""

    isLeaf = True  # noqa: N815 - Twisted's name
    log = Logger()

    def __init__(self, reactor: Clock, gate: Gate, renderer: Renderer, routes: Routes) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._gate = gate
        self._renderer = renderer
        self._routes = routes
        self._rendered = Snapshots(reactor, _RENDERED_FOR)

    def render(self, request: Request) -> int:
        """Answer, later."""
        answering = Deferred.fromCoroutine(self._answer(request))
        answering.addErrback(self._failed, request)
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> None:
        visit = _nobody(request)
        try:
            visit = await self._visit(request)
            answer = await self._ask(request, visit)
            reply = await self._reply(answer, visit)
        except Exception as error:  # noqa: BLE001 - whatever it is, the visitor gets a page
            reply = await self._reply(self._error_view(error, request), visit)
        if reply is not None:
            _send(request, reply)
        elif isinstance(answer, Stream):
            _set_headers(request, HEADERS)
            await answer.send(request)

    async def _visit(self, request: Request) -> Visit:
        """The request, read. Raises Declined for one that cannot be read, what the gate raises."""
        headers = {
            name.decode("latin-1").lower(): values[-1].decode("latin-1")
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        is_form = headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
        body = request.content.read() if is_form and request.content is not None else b""
        return replace(
            _nobody(request),
            query=_pairs(request.uri.partition(b"?")[2]),
            form=_pairs(body),
            headers=headers,
            origin=self._gate.origin(request),
            address=self._gate.address(request),
            session=await self._session(request),
        )

    async def _session(self, request: Request) -> Session:
        """Who looks; programs that only look may come with a token, as to the web service."""
        if request.method in {b"GET", b"HEAD"} and request.getHeader("authorization"):
            return Session(await self._gate.visitor(request))
        return await self._gate.session(request)

    async def _ask(self, request: Request, visit: Visit) -> Answer:
        found = self._routes.find(visit.path)
        if found is None:
            raise Declined(HTTPStatus.NOT_FOUND, "There is no such page.")
        route, places = found
        page = _page(request.method, route)
        if request.method == b"POST" and route.for_strangers:
            self._gate.require_own_site(request)
        elif request.method == b"POST":
            self._gate.require_own_form(request, visit.session, visit.form.get("csrf", ""))
        return await page(replace(visit, places=places))

    async def _reply(self, answer: Answer, visit: Visit) -> Reply | None:
        """The answer as bytes; None for a stream, which writes its own."""
        if not isinstance(answer, View):
            return answer if isinstance(answer, Reply) else None
        values = {"visit": visit, **answer.values}

        async def render() -> Reply:
            body = await self._renderer.render(answer.template, values)
            return Reply(body, HTML, answer.status, answer.headers)

        if answer.version is None or visit.visitor.person is not None:
            return await render()
        return await self._rendered.get((visit.path, answer.version), render)

    def _error_view(self, error: Exception, request: Request) -> View:
        if isinstance(error, (Declined, TurnedAway)):
            return _error(error.status, str(error), error.headers)
        if isinstance(error, Refused):
            acted = request.method == b"POST"
            status = HTTPStatus.CONFLICT if acted else HTTPStatus.NOT_FOUND
            return _error(status, str(error))
        if isinstance(error, StorageError):
            self.log.error("a page could not be shown: {error}", error=error)
            return _error(HTTPStatus.SERVICE_UNAVAILABLE, _AWAY, {"Retry-After": "10"})
        self.log.failure("the page {path} failed", Failure(error), path=request.path)
        return _error(HTTPStatus.INTERNAL_SERVER_ERROR, _FAILED)

    def _failed(self, failure: Failure, request: Request) -> None:
        """The client has gone, or not even an error page could be made."""
        if not request._disconnected:  # noqa: SLF001 - Twisted has no other name for it
            self.log.failure("the answer to {path} failed", failure, path=request.path)
            transport: Any = request.transport
            transport.abortConnection()


def _page(method: bytes, route: Route) -> Page:
    allowed = {"GET": route.show, "HEAD": route.show, "POST": route.act}
    page = allowed.get(method.decode("ascii", "replace"))
    if page is None:
        names = ", ".join(name for name, one in allowed.items() if one is not None)
        sentence = "This address cannot be asked that way."
        raise Declined(HTTPStatus.METHOD_NOT_ALLOWED, sentence, {"Allow": names})
    return page


def _error(status: HTTPStatus, sentence: str, headers: Mapping[str, str] | None = None) -> View:
    values = {"status": status.value, "title": status.phrase, "sentence": sentence}
    return View("error.html", values, status, headers or {})


def _nobody(request: Request) -> Visit:
    """What is known of a request before it is read: enough for an error page."""
    path = unquote(request.uri.partition(b"?")[0].decode("latin-1"), errors="replace")
    return Visit(path, NO_SESSION, {}, {}, {}, {}, "", "")


def _pairs(encoded: bytes) -> Mapping[str, str]:
    try:
        fields = parse_qsl(
            encoded.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS
        )
    except ValueError as error:
        raise Declined(HTTPStatus.BAD_REQUEST, f"At most {_MAX_FIELDS} fields are read.") from error
    return dict(fields)


def _send(request: Request, reply: Reply) -> None:
    if request._disconnected:  # noqa: SLF001 - Twisted has no other name for it
        return
    request.setResponseCode(reply.status)
    _set_headers(request, {**HEADERS, **reply.headers})
    if reply.status is HTTPStatus.OK and request.method in {b"GET", b"HEAD"}:
        etag = f'"{hashlib.sha256(reply.body).hexdigest()[:32]}"'
        if request.setETag(etag.encode()) is CACHED:
            request.finish()
            return
    request.setHeader("content-type", reply.content_type)
    request.setHeader("content-length", str(len(reply.body)))
    if request.method != b"HEAD":
        request.write(reply.body)
    request.finish()


def _set_headers(request: Request, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        request.setHeader(name, value)
