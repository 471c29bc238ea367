"""The two addresses of OAuth that clients post forms to.

    POST /+request-token   200 `oauth_token=…&oauth_token_secret=…`, or the same as JSON
    POST /+access-token    200 the token; 401 while nobody has answered; 403 where it was refused

Layer 5. Tests: tests/functional/webservice/test_login.py.
"""

from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.error import UnsupportedMethod
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from buildfarm.identity.exchange import Exchange, Standing, TooManyRequests
from buildfarm.identity.gate import Gate
from buildfarm.identity.oauth import Signed, from_form
from buildfarm.identity.secrets import NewSecret
from buildfarm.vocab.errors import FarmError, Refused
from buildfarm.webservice.answers import JSON, TEXT, Reply, as_json, refused
from buildfarm.webservice.replies import send

FORM = "application/x-www-form-urlencoded"

#: Bytes of a form that are read.
_MAX_FORM = 10_000


class _Address(Resource):
    """One of the two; `answer` says what it does."""

    isLeaf = True  # noqa: N815 - Twisted's name
    log = Logger()

    def __init__(self, exchange: Exchange, gate: Gate) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.exchange = exchange
        self._gate = gate

    def render_POST(self, request: Request) -> int:  # noqa: N802 - Twisted's name
        """Answer, later."""
        answering = Deferred.fromCoroutine(self._answer(request))
        answering.addErrback(self._failed)
        answering.addCallback(lambda reply: send(request, reply))
        return NOT_DONE_YET

    def render_HEAD(self, request: Request) -> int:  # noqa: N802 - Twisted's name
        """Nothing: Twisted would ask for the answer to a GET, which there is none of."""
        raise UnsupportedMethod([b"POST"])

    async def answer(self, signed: Signed, accept: str, address: str) -> Reply:
        """The answer to this form, which came from `address`."""
        raise AssertionError("each address has its own")

    async def _answer(self, request: Request) -> Reply:
        assert request.content is not None, "Twisted gives every request a content"
        body = request.content.read(_MAX_FORM).decode("latin-1")
        signed = from_form(dict(parse_qsl(body, keep_blank_values=True)))
        if signed is None:
            return Reply(
                HTTPStatus.BAD_REQUEST, b"Send a form with a consumer, signed PLAINTEXT.", TEXT
            )
        try:
            address = self._gate.address(request)
            return await self.answer(signed, request.getHeader("accept") or "", address)
        except Refused as error:
            return refused(error)
        except TooManyRequests as error:
            wait = {"Retry-After": str(int(error.wait) + 1)}
            return Reply(HTTPStatus.TOO_MANY_REQUESTS, str(error).encode(), TEXT, wait)

    def _failed(self, failure: Any) -> Reply:
        if failure.check(FarmError) is None:
            self.log.failure("a request for a token failed", failure)
            return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, b"The farm has failed to answer.", TEXT)
        self.log.error("no token could be given: {error}", error=failure.value)
        sentence = b"The farm cannot give tokens now; try again later."
        return Reply(HTTPStatus.SERVICE_UNAVAILABLE, sentence, TEXT)


class RequestToken(_Address):
    """A client asks for a token."""

    async def answer(self, signed: Signed, accept: str, address: str) -> Reply:
        """The key and secret of the request; the person opens its key in a browser."""
        new = await self.exchange.request(signed.consumer, address)
        if JSON in accept:
            return as_json(
                {
                    "oauth_token": new.key,
                    "oauth_token_secret": new.secret,
                    "oauth_token_consumer": signed.consumer,
                    "access_levels": [],
                }
            )
        return _token(new)


class AccessToken(_Address):
    """A client comes for the token that it has asked for."""

    async def answer(self, signed: Signed, accept: str, address: str) -> Reply:
        """The token, once; or why there is none."""
        consumer, key, secret = signed.consumer, signed.token, signed.secret
        granted = await self.exchange.fetch(consumer, key, secret, address)
        if granted.secret is not None:
            return _token(granted.secret)
        if granted.standing is Standing.OPEN:
            return Reply(HTTPStatus.UNAUTHORIZED, b"Nobody has answered yet.", TEXT)
        return Reply(HTTPStatus.FORBIDDEN, b"The request was refused, or is too old.", TEXT)


def _token(new: NewSecret) -> Reply:
    pairs = {"oauth_token": new.key, "oauth_token_secret": new.secret, "lp.context": "None"}
    return Reply(HTTPStatus.OK, urlencode(pairs).encode(), FORM)
