"""Names of builders, archives, suites and packages, and when a text may be one.

Names become path components, URL components and arguments of commands, so the pattern
excludes a leading dot or dash, slashes, and everything that is not lower-case ASCII.
"""

import re

_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_:%-]*")

#: The longest name of anything, in characters: a file name on every common file system.
MAX_NAME = 200


def is_name(text: str) -> bool:
    """Whether `text` may name a builder, an archive, a suite, a package or an architecture."""
    return len(text) <= MAX_NAME and _NAME.fullmatch(text) is not None


def is_file_name(text: str) -> bool:
    """Whether `text` is a plain file name as Debian's tools make them: no slash, no leading dot."""
    return len(text) <= MAX_NAME and _FILE_NAME.fullmatch(text) is not None
