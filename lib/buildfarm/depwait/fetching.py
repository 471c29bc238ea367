"""Package indexes of base archives, fetched only where they have changed, and kept.

Runs in the child that `depwait.reading` is. What a server sends is bounded, and held against what
the suite's `InRelease` says of it; no redirect is followed. `InRelease` itself is not verified: who
forges one can only have a build tried again, a bounded number of times (decision 263).

Layer 4. Tests: tests/functional/depwait/test_reading.py.
"""

import base64
import hashlib
import json
import os
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any

from buildfarm.depwait.indexes import Index

#: Ways in which an index may be packed, the smallest first.
SUFFIXES = (".xz", ".gz", "")

#: Seconds for which a server may say nothing.
_SILENCE = 30.0

_MAX_RELEASE = 32 * 1024 * 1024
_PIECE = 256 * 1024
_DIGESTS = re.compile(r"^SHA256:\s*\n((?: .*\n?)+)", re.MULTILINE)


class FetchFailed(Exception):
    """An index could not be had; the message is a clause."""


@dataclass(slots=True)
class Known:
    """What is known of an index: which `InRelease` it belongs to, its digest, and where it is.

    `state` is the SHA-256 of the file as it was fetched; `checked` the Unix time of the last look.
    """

    place: str
    etag: str = ""
    modified: str = ""
    state: str = ""
    suffix: str = ""
    checked: float = 0.0


@dataclass(frozen=True, slots=True)
class _Answer:
    """A server's answer: None as a body where nothing has changed."""

    body: bytes | None
    etag: str
    modified: str


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Has a redirect be an answer like any other."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow none."""


class Mirror:
    """The indexes that are kept in `directory`, each in two files named by its place."""

    def __init__(self, directory: Path, max_bytes: int, now: float) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._now = now
        handlers = (
            _NoRedirect(),
            urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        )
        self._opener = urllib.request.build_opener(*handlers)

    def fetch(self, index: Index, fresh_for: float) -> tuple[Known, Path, str]:
        """What is known of `index`, where it is, and why it is not that of now, or "".

        It is asked for unless that was done `fresh_for` seconds ago. Raises FetchFailed where there
        is none, not even an older one.
        """
        known = self._load(index)
        path = self._path(index, "packages")
        if known.state and self._now - known.checked < fresh_for and path.exists():
            return known, path, ""
        if not path.exists():
            known = Known(index.place)
        before = replace(known)
        try:
            known = self._refresh(index, known, path)
        except (FetchFailed, OSError, ValueError, HTTPException) as error:
            words = str(error) if isinstance(error, FetchFailed) else f"it cannot be had: {error}"
            if not before.state:
                raise FetchFailed(words) from error
            return before, path, words
        known.checked = self._now
        self._save(index, known)
        return known, path, ""

    def forget_others(self, indexes: list[Index]) -> None:
        """Remove what is kept of indexes that nobody asks for any more."""
        names = {self._path(index, kind).name for index in indexes for kind in ("packages", "json")}
        for path in self._directory.iterdir():
            if path.name not in names and path.suffix in (".packages", ".json", ".new"):
                path.unlink(missing_ok=True)

    def _refresh(self, index: Index, known: Known, path: Path) -> Known:
        release = self._release(index, known)
        if release is None:
            return self._flat(index, known, path)
        if release.body is None:
            return known
        known.etag, known.modified = release.etag, release.modified
        listed = _digests(release.body.decode(errors="replace"))
        for suffix in SUFFIXES:
            expected = listed.get(index.relative + suffix)
            if expected is None:
                continue
            if expected != known.state:
                body = self._get(f"{index.directory}/{index.relative}{suffix}", self._max_bytes)
                if body is None or hashlib.sha256(body.body or b"").hexdigest() != expected:
                    raise FetchFailed(f"{index.relative}{suffix} is not what InRelease says it is")
                _replace(path, body.body or b"")
                known.state, known.suffix = expected, suffix
            return known
        raise FetchFailed(f"the suite has no {index.relative}")

    def _release(self, index: Index, known: Known) -> _Answer | None:
        """The suite's release file, or None where it has none."""
        for name in ("InRelease", "Release"):
            answer = self._get(f"{index.directory}/{name}", _MAX_RELEASE, known)
            if answer is not None:
                return answer
        return None

    def _flat(self, index: Index, known: Known, path: Path) -> Known:
        """An index that no release file speaks of."""
        for suffix in SUFFIXES:
            url = f"{index.directory}/{index.relative}{suffix}"
            before = known if known.suffix == suffix else Known(index.place)
            answer = self._get(url, self._max_bytes, before)
            if answer is None:
                continue
            if answer.body is not None:
                _replace(path, answer.body)
                known.state = hashlib.sha256(answer.body).hexdigest()
                known.suffix, known.etag, known.modified = suffix, answer.etag, answer.modified
            return known
        raise FetchFailed("there is no index at that place")

    def _get(self, url: str, limit: int, known: Known | None = None) -> _Answer | None:
        """What is at `url`, None where nothing is. Raises FetchFailed for any other answer."""
        request = _request(url)
        if known is not None and known.state:
            for name, value in (
                ("If-None-Match", known.etag),
                ("If-Modified-Since", known.modified),
            ):
                if value:
                    request.add_header(name, value)
        try:
            with self._opener.open(request, timeout=_SILENCE) as response:
                body = response.read(limit + 1)
                if len(body) > limit:
                    raise FetchFailed(f"it is larger than {limit} bytes")
                headers: Mapping[str, str] = response.headers
                return _Answer(body, headers.get("ETag", ""), headers.get("Last-Modified", ""))
        except urllib.error.HTTPError as error:
            if error.code == 304:
                assert known is not None
                return _Answer(None, known.etag, known.modified)
            if error.code == 404:
                return None
            raise FetchFailed(f"the server answers {error.code}") from error

    def _path(self, index: Index, kind: str) -> Path:
        name = hashlib.sha256(f"{index.directory} {index.relative}".encode()).hexdigest()
        return self._directory / f"{name}.{kind}"

    def _load(self, index: Index) -> Known:
        with suppress(OSError, ValueError, TypeError):
            return Known(**json.loads(self._path(index, "json").read_text()))
        return Known(index.place)

    def _save(self, index: Index, known: Known) -> None:
        _replace(self._path(index, "json"), json.dumps(asdict(known)).encode())


def _request(url: str) -> urllib.request.Request:
    """A request for `url`; user and password in it are sent as `Basic` says."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(urllib.parse.urlunsplit(parts._replace(netloc=host)))  # noqa: S310 - the schemes were checked
    if parts.username is not None:
        user = urllib.parse.unquote(parts.username)
        password = urllib.parse.unquote(parts.password or "")
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    request.add_header("User-Agent", "buildd-manager")
    return request


def _digests(release: str) -> dict[str, str]:
    """The SHA-256 of each file that a release file names."""
    match = _DIGESTS.search(release.replace("\r", ""))
    lines = [line.split() for line in (match[1] if match else "").splitlines()]
    return {parts[2]: parts[0] for parts in lines if len(parts) == 3}


def _replace(path: Path, content: bytes) -> None:
    # The child of a manager that was killed may still be at it: each writes a file of its own.
    new = path.with_suffix(f"{path.suffix}.{os.getpid()}.new")
    new.write_bytes(content)
    new.replace(path)
