"""Large things on their way to and from a farm: read and written in pieces, never held whole.

launchpadlib holds every request and answer in memory; logs and source packages go by here, with
the same credentials, authorities and proxies. No redirect is followed: it could lead a token away.

Layer 7. Tests: tests/unit/scripts/test_streams.py, tests/functional/scripts/test_submit_source.py.
"""

import os
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from buildfarm.scripts.client import AUTHORITIES_VARIABLE, DEADLINE, reaching
from buildfarm.scripts.connecting import Farm
from buildfarm.vocab.errors import FarmUnreachable, Refused
from buildfarm.vocab.text import one_line

#: Bytes of one piece.
PIECE = 256 * 1024

#: Bytes of an answer that is no log: a list of builds, or a sentence.
_MAX_ANSWER = 4 * 1024 * 1024


@contextmanager
def asked(
    farm: Farm,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: Iterable[bytes] | None = None,
) -> Iterator[HTTPResponse]:
    """The answer to one request for `path` of the farm, whatever its status.

    Raises Refused where the credentials cannot be used, FarmUnreachable.
    """
    url = farm.url + path
    sent = dict(headers or {})
    farm.authority.authorizeRequest(url, method, None, sent)
    connection, target = _connection(url)
    try:
        with reaching(farm.url):
            # A farm that refuses a large body says so, and then hangs up.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, target, body, sent)
            response = connection.getresponse()
        yield response
    finally:
        connection.close()


def answer_of(farm: Farm, response: HTTPResponse) -> bytes:
    """The body of an answer that is no refusal. Raises Refused with the farm's own words."""
    with reaching(farm.url):
        content = response.read(_MAX_ANSWER)
    if response.status < HTTPStatus.MULTIPLE_CHOICES:
        return content
    words = one_line(content.decode("utf-8", "replace"), 1000)
    if response.status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT):
        raise FarmUnreachable(f"The farm at {farm.url} cannot be reached: {response.status}.")
    if response.headers.get_content_type() != "text/plain":
        words = ""  # a page for browsers
    words = words or f"The farm at {farm.url} answers {response.status} without a word."
    raise Refused(farm.sentence(response.status, words))


def _connection(url: str) -> tuple[HTTPConnection, str]:
    """A connection that leads to `url`, through a proxy if one is set, and what to ask there."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    host = parts.hostname or ""
    proxy = None if proxy_bypass(host) else getproxies().get(parts.scheme)
    via = urlsplit(proxy) if proxy else parts
    if parts.scheme == "http":
        return HTTPConnection(
            via.netloc.rpartition("@")[2], timeout=DEADLINE
        ), url if proxy else path
    context = ssl.create_default_context(cafile=os.environ.get(AUTHORITIES_VARIABLE) or None)
    address = via.netloc.rpartition("@")[2]
    connection = HTTPSConnection(address, timeout=DEADLINE, context=context)
    if proxy:
        connection.set_tunnel(host, parts.port or 443)
    return connection, path
