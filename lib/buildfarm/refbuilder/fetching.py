"""Downloads of inputs, in a worker thread.

Beside the layers. What went wrong is told in the genuine daemon's words, since people know them
from its logs. Credentials go out only where a 401 asks for them; redirects are not followed, or
they might go elsewhere. Tests: tests/functional/refbuilder/test_fetching.py.
"""

import hashlib
import http.client
import itertools
from collections.abc import Callable
from pathlib import Path
from urllib import request

from buildfarm.refbuilder.filecache import FileCache, is_sha1

#: Seconds that the server may be silent, and that the whole download may take.
SILENCE = 60.0
DEADLINE = 2 * 3600.0

_CHUNK = 256 * 1024

_MISMATCH = "Digests did not match, removing again!"


class Fetcher:
    """Brings inputs into `cache`. `seconds` is a clock; once `stopping()` is true it gives up."""

    def __init__(
        self, cache: FileCache, seconds: Callable[[], float], stopping: Callable[[], bool]
    ) -> None:
        self._cache = cache
        self._seconds = seconds
        self._stopping = stopping
        self._numbers = itertools.count()

    def ensure_present(
        self, sha1: str, url: str | None, user: str, password: str
    ) -> tuple[bool, str]:
        """Have the file with this digest, from `url` if need be: whether it is there, and how."""
        present = self._cache.input(sha1)
        if present is not None:
            present.touch()  # used just now
        if url is None:
            return present is not None, "No URL"
        if present is not None:
            return True, "Cache"
        incoming = self._cache.incoming(str(next(self._numbers)))
        try:
            digest = self._download(url, user, password, incoming)
            if digest != sha1 or not is_sha1(sha1):
                return False, _MISMATCH
            self._cache.keep(incoming, sha1)
        except (OSError, ValueError, http.client.HTTPException) as error:
            return False, f"Error accessing Librarian: {error}"
        finally:
            incoming.unlink(missing_ok=True)
        return True, "Download"

    def _download(self, url: str, user: str, password: str, destination: Path) -> str:
        """Write what is at `url` to `destination`; its SHA-1."""
        until = self._seconds() + DEADLINE
        digest = hashlib.sha1(usedforsecurity=False)
        opener = _opener(url, user, password)
        with opener.open(url, timeout=SILENCE) as source, destination.open("wb") as file:
            while chunk := source.read(_CHUNK):
                if self._stopping() or self._seconds() > until:
                    raise TimeoutError("the download was given up")
                digest.update(chunk)
                file.write(chunk)
        return digest.hexdigest()


def _opener(url: str, user: str, password: str) -> request.OpenerDirector:
    """What opens HTTP and HTTPS only, through no proxy."""
    opener = request.OpenerDirector()
    handlers: list[request.BaseHandler] = [
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPErrorProcessor(),
        request.HTTPDefaultErrorHandler(),
        request.UnknownHandler(),
    ]
    if user:
        passwords = request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, url, user, password)
        handlers.append(request.HTTPBasicAuthHandler(passwords))
    for handler in handlers:
        opener.add_handler(handler)
    return opener
