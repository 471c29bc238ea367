"""Debian control data that every reader reads alike.

Layer 3; tests in `tests/unit/uploads/test_paragraph.py`. Pure.

Readers differ in what they make of a field given twice (dpkg complains, reprepro takes the first,
python-debian the last), of a second paragraph, of a carriage return. A package could show the
check one name and apt another. So this reader, unlike python-debian's, is strict: what is
ambiguous is no control data. The packaging tools write nothing of the kind.
"""

import re
from collections.abc import Mapping

from buildfarm.vocab.errors import UploadRefused
from buildfarm.vocab.text import one_line

# Field names as deb822(5) has them; values without control characters but the tab.
_FIELD = re.compile(r"([!\"$-,.-9;-~][!-9;-~]*):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_CONTINUATION = re.compile(r"[ \t]+[^\x00-\x20\x7f][^\x00-\x08\x0a-\x1f\x7f]*")


def read_paragraph(content: bytes, where: str) -> Mapping[str, str]:
    """The fields of one paragraph, names in lower case; lines of a value are joined by newlines.

    `where` begins the sentence of the UploadRefused that is raised for anything else.
    """
    try:
        lines = content.decode("utf-8").rstrip("\n").split("\n")
    except UnicodeDecodeError as error:
        raise UploadRefused(f"{where} is not in UTF-8.") from error
    fields: dict[str, str] = {}
    name = ""
    for line in lines:
        if match := _FIELD.fullmatch(line):
            name = match[1].lower()
            if name in fields:
                raise UploadRefused(f"{where} gives the field {one_line(match[1])} twice.")
            fields[name] = match[2].rstrip(" \t")
        elif name and _CONTINUATION.fullmatch(line):
            fields[name] += "\n" + line.strip(" \t")
        else:
            raise UploadRefused(f"{where} has a line that is no control data: {one_line(line)!r}.")
    return fields


def required(fields: Mapping[str, str], name: str, where: str) -> str:
    """The value of the field `name`, on one line and not empty; raises UploadRefused."""
    value = fields.get(name.lower(), "")
    if not value or "\n" in value:
        raise UploadRefused(f"{where} has no proper {name} field.")
    return value
