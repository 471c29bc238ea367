"""One HTTP request, read: what the service looks at, apart from Twisted.

Layer 5. Tests: tests/unit/webservice/test_service.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from buildfarm.flow.bodystream import BodyStream
from buildfarm.vocab.access import ANYBODY, Visitor
from buildfarm.vocab.errors import Refused
from buildfarm.webservice.answers import Denied


@dataclass(frozen=True, slots=True)
class Asked:
    """A request below a service root: `root` is that URL, `path` what follows it.

    `query` has the arguments in the address, `form` those of a POST. A form with files is still to
    come, from `body_stream`.
    """

    method: str
    root: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    visitor: Visitor = ANYBODY
    body_stream: BodyStream | None = None

    @property
    def url(self) -> str:
        """The address that was asked, without its query."""
        return self.root + self.path.lstrip("/")

    @property
    def type(self) -> str:
        """The media type of the body."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises Denied, Refused."""
        if self.type != "application/json":
            raise Denied(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send application/json, a JSON object.")
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Refused(f"The body is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise Refused("The body is no JSON object.")
        return found
