"""Forms with files (multipart/form-data), taken apart as they come; the files go to the disk.

The files have no names on the disk, so that nothing is left of them once they are closed, or the
process has ended, however it did.

Layer 5; `FormWriter` blocks on the disk: it runs in the file threads. Tests:
tests/unit/webservice/test_forms.py.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from buildfarm.flow.durable import full_disk_named
from buildfarm.intake.dsc import MAX_NAMED
from buildfarm.intake.nameless import SentFile
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.text import one_line

#: Parts of a form: as many files as a `.dsc` may name, itself, and some fields.
MAX_PARTS = MAX_NAMED + 20

#: Bytes of all fields of a form that are no files.
MAX_FIELDS = 64 * 1024

#: Characters of a boundary (RFC 2046).
_MAX_BOUNDARY = 70


@dataclass(slots=True)
class Form:
    """A form: its fields, and its files at their ends."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[SentFile] = field(default_factory=list)

    def close(self) -> None:
        """Give the files up."""
        for file in self.files:
            file.stream.close()


class FormWriter:
    """Takes one form, which `content_type` announces, in pieces; its files go to `directory`.

    Raises Refused for what is no such form, or has too many parts, and DiskFull.
    """

    def __init__(self, content_type: str, directory: Path) -> None:
        _, options = parse_options_header(content_type)
        boundary = options.get("boundary", "")
        if not 0 < len(boundary) <= _MAX_BOUNDARY or not boundary.isascii():
            raise Refused("The Content-Type of a form names the boundary between its parts.")
        self.form = Form()
        self._directory = directory
        self._parser = PushMultipartParser(boundary, max_segment_count=MAX_PARTS)
        self._part: MultipartSegment | None = None
        self._stream: BinaryIO | None = None
        self._text = bytearray()
        self._texts = 0

    def write(self, data: bytes) -> None:
        """These bytes come next."""
        try:
            with full_disk_named(self._directory):
                for event in self._parser.parse(data):
                    self._take(event)
        except ParserLimitReached as error:
            raise Refused(f"A form has at most {MAX_PARTS} parts, with short headers.") from error
        except MultipartError as error:
            raise Refused(f"The body is no form: {one_line(str(error))}.") from error

    def finish(self) -> Form:
        """That was all: the form."""
        try:
            self._parser.close()
        except MultipartError as error:
            raise Refused("The form has no end.") from error
        return self.form

    def _take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            self._end()
        elif self._stream is not None:
            self._stream.write(event)
        else:
            self._texts += len(event)
            if self._texts > MAX_FIELDS:
                raise Refused(f"The fields of a form have at most {MAX_FIELDS} bytes together.")
            self._text += event

    def _begin(self, part: MultipartSegment) -> None:
        self._part = part
        if part.filename is None:
            return
        stream: Any = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115 - the form closes it
        # launchpadlib calls a file after the parameter, for want of a name.
        name = None if part.filename == part.name else part.filename
        self.form.files.append(SentFile(part.name or "", name, stream))
        self._stream = stream

    def _end(self) -> None:
        part, self._part = self._part, None
        assert part is not None, "a part ends after it has begun"
        if self._stream is not None:
            self._stream.flush()
            self._stream = None
            return
        name = part.name or ""
        if name in self.form.fields:
            raise Refused(f"The form has {name!r} twice.")
        try:
            self.form.fields[name] = self._text.decode()
        except UnicodeDecodeError as error:
            raise Refused(f"{name!r} of the form is not UTF-8 text.") from error
        self._text = bytearray()
