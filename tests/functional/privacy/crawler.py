"""Asks a farm for addresses as one visitor, and finds the addresses in what it answers."""

import html
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urljoin, urlsplit

from tests.functional.privacy.visitors import Visitor

_LINK = re.compile(r'(?:href|src|action|data-[a-z-]+)="([^"]+)"')

#: Bytes that are read of one answer, and seconds for which a stream of events is heard.
_MOST = 2_000_000
_HEARD_FOR = 0.04

#: Addresses that one walk visits at most: more means that it goes round in circles.
_ADDRESSES = 2000


@dataclass(frozen=True)
class Answer:
    """What was answered to `path`; `text` is headers and body."""

    path: str
    status: int
    type: str
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """All of it."""
        heads = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{heads}\n\n{self.body.decode('latin-1')}"

    def json(self) -> Any:
        """The body, read; None where there is none."""
        return json.loads(self.body) if self.body else None


class Client:
    """One visitor's kept connection, for a thread."""

    def __init__(self, port: int, visitor: Visitor) -> None:
        self._port = port
        self._visitor = visitor
        self._connection = self._connect()

    def get(self, path: str, method: str = "GET", form: str = "", **headers: str) -> Answer:
        """What is answered."""
        sent = {**self._visitor.headers, **headers}
        if form:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self._connection.request(method, path, form.encode() or None, sent)
            response = self._connection.getresponse()
        except (HTTPException, ConnectionError):
            self.close()
            self._connection = self._connect()
            self._connection.request(method, path, form.encode() or None, sent)
            response = self._connection.getresponse()
        got = {name.lower(): value for name, value in response.getheaders()}
        kind = got.get("content-type", "").partition(";")[0]
        is_stream = kind == "text/event-stream"
        body = self._hear(response) if is_stream else response.read(_MOST)
        if is_stream or not response.isclosed() or response.will_close:
            self.close()
            self._connection = self._connect()
        return Answer(path, response.status, kind, got, body)

    def hear(self, path: str, until: re.Pattern[bytes]) -> bytes:
        """What a stream of events tells until it has told what `until` finds."""
        self._connection.request("GET", path, headers=self._visitor.headers)
        response = self._connection.getresponse()
        heard = b""
        while until.search(heard) is None and (more := response.read1(65_536)):
            heard += more
        self.close()
        return heard

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _hear(self, response: Any) -> bytes:
        """What a stream tells at first."""
        heard = b""
        until = time.monotonic() + _HEARD_FOR
        assert self._connection.sock is not None
        self._connection.sock.settimeout(_HEARD_FOR)
        try:
            while time.monotonic() < until and (more := response.read1(65_536)):
                heard += more
        except TimeoutError:
            pass
        return heard

    def _connect(self) -> HTTPConnection:
        source = (self._visitor.address, 0)
        return HTTPConnection("127.0.0.1", self._port, timeout=20, source_address=source)


def links(answer: Answer, root: str) -> Iterator[str]:
    """The paths on this farm that an answer leads to."""
    if answer.type == "text/html":
        found: Iterable[str] = map(html.unescape, _LINK.findall(answer.body.decode()))
    elif answer.type == "application/json":
        found = (text for text in _texts(answer.json()) if text.startswith(root))
    else:
        found = ()
    if "location" in answer.headers:
        found = [*found, answer.headers["location"]]
    for link in found:
        parts = urlsplit(urljoin(root + answer.path.lstrip("/"), link))
        if f"{parts.scheme}://{parts.netloc}/" == root:
            yield parts.path + (f"?{parts.query}" if parts.query else "")


def crawl(
    client: Client, root: str, begin: Iterable[str], more: Callable[[Answer], Iterable[str]]
) -> dict[str, Answer]:
    """Every address that can be reached from `begin`, with its answer.

    `more` gives addresses that follow from an answer, besides its links.
    """
    waiting, answers = list(begin), dict[str, Answer]()
    while waiting:
        path = waiting.pop()
        if path in answers:
            continue
        answers[path] = answer = client.get(path)
        waiting += (*links(answer, root), *more(answer))
        assert len(answers) < _ADDRESSES, f"no end is seen: {sorted(answers)[:: _ADDRESSES // 50]}"
    return answers


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
