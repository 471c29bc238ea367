"""What a page answers, apart from Twisted.

Layer 5. Tests: tests/functional/statuspage/test_site.py.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from buildfarm.vocab.errors import FarmError

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class View:
    """A template with its values, rendered in pieces.

    With a `version` the page of whoever has not logged in is rendered once for all of them, and
    again for another version: it says all that the page depends on but its path.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    version: Hashable = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is at hand. It gets an ETag where its status is OK."""

    body: bytes = b""
    content_type: str = TEXT
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that `send` writes to the Twisted request by itself, and finishes."""

    send: Callable[[Any], Awaitable[None]]


Answer = View | Reply | Stream


class Declined(FarmError):
    """A request is answered with an error page: its status, and a sentence for people."""

    def __init__(
        self, status: HTTPStatus, sentence: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers or {}


def missing(what: str) -> Declined:
    """There is no such thing, or the visitor may not know of it, which is told nobody."""
    return Declined(HTTPStatus.NOT_FOUND, f"There is no {what} here.")


def see_other(path: str, headers: Mapping[str, str] | None = None) -> Reply:
    """What follows a form that was carried out: look at `path` now."""
    location = {"Location": path, **(headers or {})}
    return Reply(b"", TEXT, HTTPStatus.SEE_OTHER, location)
