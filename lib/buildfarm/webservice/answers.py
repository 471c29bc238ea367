"""What goes back over HTTP: a status, a body, headers; and the errors that are answers.

Errors are text/plain with one sentence, which launchpadlib shows. The Content-Type of JSON is bare:
lazr.restfulclient compares it whole.

Layer 5. Tests: tests/unit/webservice/test_service.py.
"""

from dataclasses import dataclass, field
from http import HTTPStatus

from buildfarm.vocab.errors import Refused
from buildfarm.webservice.representations import document

JSON = "application/json"
TEXT = "text/plain;charset=utf-8"

#: What a PATCH answers with, and the new representation: lazr.restful's own status.
CONTENT_RETURNED = 209


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int = HTTPStatus.OK
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


class Denied(Exception):
    """A request is answered with `status` and the sentence."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.reply = Reply(status, sentence.encode(), TEXT, headers or {})


def as_json(value: object, status: int = HTTPStatus.OK, **headers: str) -> Reply:
    """`value` as JSON."""
    return Reply(status, document(value), JSON, headers)


class Elsewhere(Exception):
    """What was asked for is at another path, which is answered with 303."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def not_found(path: str) -> Denied:
    """Nothing is there, or nothing that this visitor may know of."""
    return Denied(HTTPStatus.NOT_FOUND, f"There is nothing at {path}.")


def not_allowed(method: str, path: str) -> Denied:
    """What is there cannot be asked in this way."""
    return Denied(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} takes no {method}.")


def refused(error: Refused) -> Reply:
    """The farm's own refusal is the client's mistake."""
    return Reply(HTTPStatus.BAD_REQUEST, str(error).encode(), TEXT)
