"""Who asks: the credentials of a request, and the answer to one that lacks the right ones.

Layer 3; tests in `tests/functional/filestore/test_resource.py`.
"""

from http import HTTPStatus
from typing import Any

from twisted.logger import Logger
from twisted.web.server import Request

from buildfarm.filestore.guesses import MAX_WRONG, WINDOW, Guesses
from buildfarm.filestore.replies import Reply

_log = Logger()

_CHALLENGE = 'Basic realm="buildd-manager files", charset="UTF-8"'


def credentials(request: Request) -> tuple[str, str]:
    """User and password, both empty where none were given."""
    user, password = request.getUser(), request.getPassword()
    return user.decode("utf-8", "replace"), password.decode("utf-8", "replace")


def ask_for_token(reply: Reply, guesses: Guesses) -> None:
    """Answer 401, the same for what is private, what is over and what never was.

    An address that shows wrong tokens again and again is told to wait, and its connection closed;
    a right one is let in all the same, since other builds may come from that address.
    """
    sentence = "This needs the user and token of a build that uses it and runs now."
    if not reply.request.getHeader("authorization"):
        reply.refuse(HTTPStatus.UNAUTHORIZED, sentence, www_authenticate=_CHALLENGE)
        return
    client: Any = reply.request.getClientAddress()
    address = str(getattr(client, "host", client))
    count = guesses.wrong(address)
    if count <= MAX_WRONG:
        reply.refuse(HTTPStatus.UNAUTHORIZED, sentence, www_authenticate=_CHALLENGE)
        return
    if count == MAX_WRONG + 1:
        _log.warn(
            "{address} has shown {count} wrong tokens within {window:.0f} s",
            address=address,
            count=count,
            window=WINDOW,
        )
    reply.refuse(
        HTTPStatus.TOO_MANY_REQUESTS,
        "There were too many wrong tokens.",
        retry_after=f"{WINDOW:.0f}",
        connection="close",
    )
