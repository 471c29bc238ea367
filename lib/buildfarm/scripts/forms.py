"""A form with files (multipart/form-data), sent from the disk piece by piece.

Layer 7. Tests: tests/unit/scripts/test_forms.py.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from buildfarm.flow.plainfiles import open_plain
from buildfarm.scripts.streams import PIECE
from buildfarm.vocab.errors import Refused


@dataclass(frozen=True)
class FileForm:
    """Fields, and files under the names of their parts. File names are plain: see `intake.dsc`."""

    fields: Mapping[str, str]
    files: Mapping[str, Path]
    boundary: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def headers(self) -> dict[str, str]:
        """What announces it. Raises Refused for a file that cannot be read."""
        heads = sum(len(self._head(part, file)) + 2 for part, file in self.files.items())
        files = sum(_size(file) for file in self.files.values())
        return {
            "Content-Type": f"multipart/form-data; boundary={self.boundary}",
            "Content-Length": str(len(self._before) + heads + files + len(self._end)),
        }

    def pieces(self, sent: Callable[[int], None]) -> Iterator[bytes]:
        """All of it, in order; `sent` is told how many bytes of files have gone. Raises Refused."""
        yield self._before
        for part, path in self.files.items():
            yield self._head(part, path)
            left = _size(path)
            try:
                with open_plain(path) as file:
                    while left and (piece := file.read(min(PIECE, left))):
                        left -= len(piece)
                        yield piece
                        sent(len(piece))
            except OSError as error:
                raise _unreadable(path, error) from error
            if left:
                raise Refused(f"{path} became shorter while it was sent.")
            yield b"\r\n"
        yield self._end

    @property
    def _before(self) -> bytes:
        return b"".join(
            self._part(f'name="{name}"', "") + value.encode() + b"\r\n"
            for name, value in self.fields.items()
        )

    def _head(self, part: str, path: Path) -> bytes:
        kind = "Content-Type: application/octet-stream\r\n"
        return self._part(f'name="{part}"; filename="{path.name}"', kind)

    def _part(self, disposition: str, more: str) -> bytes:
        head = f"--{self.boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n"
        return head.encode()

    @property
    def _end(self) -> bytes:
        return f"--{self.boundary}--\r\n".encode()


def total_size(files: Sequence[Path]) -> int:
    """The bytes of these files together. Raises Refused."""
    return sum(_size(file) for file in files)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> Refused:
    return Refused(f"{path} cannot be read: {error.strerror}.")
