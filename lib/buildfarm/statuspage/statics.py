"""Style sheets and scripts: their names have a digest of their content, so they are kept for good.

Layer 5. Tests: tests/unit/statuspage/test_templates.py.
"""

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from buildfarm.statuspage.answers import Answer, Reply, missing
from buildfarm.statuspage.routes import Visit

_DIRECTORY = Path(__file__).parent / "static"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

#: The path below which they are.
PATH = "/+static/"

#: A year: under another content a file has another name.
_KEPT = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    """A static file, in memory: there are a few, all small."""

    url: str
    content: bytes
    content_type: str


class Statics:
    """The static files, read once."""

    def __init__(self, directory: Path = _DIRECTORY) -> None:
        self._by_name: dict[str, _File] = {}
        self._by_url: dict[str, _File] = {}
        for path in sorted(directory.iterdir()):
            if path.suffix in _TYPES:
                file = _read(path)
                self._by_name[path.name] = self._by_url[file.url] = file

    def url(self, name: str) -> str:
        """The path of the file `name`. Raises KeyError where there is none."""
        return self._by_name[name].url

    async def show(self, visit: Visit) -> Answer:
        """One file. Raises Declined."""
        file = self._by_url.get(visit.path)
        if file is None:
            raise missing("such file")
        return Reply(file.content, file.content_type, HTTPStatus.OK, {"Cache-Control": _KEPT})


def _read(path: Path) -> _File:
    content = path.read_bytes()
    name = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:16]}{path.suffix}"
    return _File(PATH + name, content, _TYPES[path.suffix])
