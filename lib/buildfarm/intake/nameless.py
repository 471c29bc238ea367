"""Which file of a package is which, where a client may send contents without their names.

launchpadlib calls a file after the parameter that it is an argument of; the `.dsc` then says by
their digests which of its files these are. Layer 4; blocks on the disk: it runs in the file
threads. Tests: tests/unit/intake/test_nameless.py.
"""

import hashlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from buildfarm.intake.dsc import MAX_DSC, DscContents, read_dsc
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.text import one_line

#: What a `.dsc` without a name is called until it has been read.
_SOME_DSC = "the.dsc"

#: The parameter of which a `.dsc` is the argument.
DSC = "dsc"


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it was sent: `part` is what the client calls this part of its form.

    `name` is the name of the file, None where that was not told. `stream` is seekable.
    """

    part: str
    name: str | None
    stream: BinaryIO

    @property
    def is_dsc(self) -> bool:
        """Whether it says that it is the `.dsc`."""
        return self.part == DSC if self.name is None else self.name.endswith(".dsc")


def with_names(files: Sequence[SentFile]) -> tuple[str, Mapping[str, BinaryIO]]:
    """The name of the `.dsc` among `files`, and all of them by name.

    Raises Refused where there is not exactly one `.dsc`, where a name comes twice, or where a
    file without a name is none of the package's.
    """
    found = [file for file in files if file.is_dsc]
    if len(found) != 1:
        raise Refused(
            f"A source package has one .dsc and the files that it names; of {len(files)} files "
            f"that were sent, {len(found)} are a .dsc."
        )
    [dsc] = found
    contents = None
    if dsc.name is None or any(file.name is None for file in files):
        contents = _contents(dsc)
    dsc_name = dsc.name or _usual_name(contents)
    named: dict[str, BinaryIO] = {dsc_name: dsc.stream}
    for file in files:
        if file is dsc:
            continue
        name = file.name or _name_by_digest(file, contents, dsc_name, named)
        if name in named:
            raise Refused(f"{one_line(name)} was sent twice.")
        named[name] = file.stream
    return dsc_name, named


def _contents(dsc: SentFile) -> DscContents:
    dsc.stream.seek(0)
    return read_dsc(dsc.name or _SOME_DSC, dsc.stream.read(MAX_DSC + 1))


def _usual_name(contents: DscContents | None) -> str:
    assert contents is not None, "it was read, for want of a name"
    return f"{contents.source}_{contents.version.rpartition(':')[2]}.dsc"


def _name_by_digest(
    file: SentFile, contents: DscContents | None, dsc_name: str, taken: Container[str]
) -> str:
    assert contents is not None, "it was read, for want of names"
    file.stream.seek(0)
    stream: Any = file.stream  # which typeshed's BinaryIO describes too sparingly
    digest = hashlib.file_digest(stream, "sha256").hexdigest()
    for one in contents.files:
        if one.sha256 == digest and one.name not in taken:
            return one.name
    raise Refused(f"The file sent as {one_line(file.part)} is none of those that {dsc_name} names.")
