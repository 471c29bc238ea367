"""The web service over HTTP: Twisted's requests in, its answers out.

Links are built from the name by which the client reached us (`identity.gate`), so that whoever came
by a name stays with it.

Layer 5. Tests: tests/functional/webservice/test_site.py.
"""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, quote

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from buildfarm.flow.bodystream import BodyStream
from buildfarm.identity.gate import Gate, TurnedAway
from buildfarm.vocab.access import Visitor
from buildfarm.vocab.errors import BodyLost, Stopped, StorageError
from buildfarm.webservice.answers import TEXT, Denied, Reply
from buildfarm.webservice.replies import send
from buildfarm.webservice.requests import Asked
from buildfarm.webservice.service import WebService

#: The versions that are served, all alike: clients ask for these by name.
VERSIONS = ("devel", "1.0", "beta")

#: Bytes of a body that is read into memory: forms and JSON are small, and taken apart in one go.
MAX_BODY = 64 * 1024

#: Arguments of an address, or of a form.
MAX_ARGUMENTS = 100


class ServiceResource(Resource):
    """One version of the service, at `/VERSION/` and below."""

    isLeaf = True  # noqa: N815 - Twisted's name
    log = Logger()

    def __init__(self, service: WebService, gate: Gate) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._service = service
        self._gate = gate

    def render(self, request: Request) -> int:
        """Answer, later."""
        answering = Deferred.fromCoroutine(self._answer(request))
        answering.addErrback(self._failed, request)
        answering.addCallback(lambda reply: send(request, reply))
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> Reply:
        try:
            visitor = await self._gate.visitor(request)
            return await self._service.answer(_asked(request, self._gate.origin(request), visitor))
        except TurnedAway as turned:
            return Reply(turned.status, str(turned).encode(), TEXT, turned.headers)
        except Denied as denied:
            return denied.reply

    def _failed(self, failure: Failure, request: Request) -> Reply:
        if failure.check(BodyLost) is not None:
            return Reply(HTTPStatus.REQUEST_TIMEOUT, str(failure.value).encode(), TEXT)
        if failure.check(Stopped) is not None:
            return Reply(HTTPStatus.SERVICE_UNAVAILABLE, b"The farm is stopping.", TEXT)
        if failure.check(StorageError) is not None:
            self.log.error("the web service could not answer: {error}", error=failure.value)
            sentence = b"The farm's database cannot be used now; try again later."
            return Reply(HTTPStatus.SERVICE_UNAVAILABLE, sentence, TEXT)
        self.log.failure("the web service failed at {path}", failure, path=request.path)
        return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, b"The farm has failed to answer.", TEXT)


def _asked(request: Request, origin: str, visitor: Visitor) -> Asked:
    prefix = "/".join(part.decode("ascii", "replace") for part in request.prepath or ())
    parts = [part.decode("utf-8", "replace") for part in request.postpath or ()]
    body = request.content.read(MAX_BODY + 1) if request.content is not None else b""
    if len(body) > MAX_BODY:
        raise Denied(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {MAX_BODY} bytes are read.")
    _, _, query = request.uri.partition(b"?")
    headers = {
        name.decode("latin-1").lower(): values[-1].decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    stream: BodyStream | None = getattr(request, "body", None)
    form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return Asked(
        request.method.decode("ascii", "replace"),
        f"{origin}/{quote(prefix)}/",
        "/" + "/".join(parts),
        _pairs(query),
        _pairs(body) if form else {},
        headers,
        body,
        visitor,
        stream,
    )


def _pairs(encoded: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(
            encoded.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_ARGUMENTS
        )
    except ValueError as error:
        sentence = f"At most {MAX_ARGUMENTS} arguments are taken."
        raise Denied(HTTPStatus.BAD_REQUEST, sentence) from error
    return dict(pairs)
