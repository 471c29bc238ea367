"""Pages that list names, for people who look around in an archive.

Layer 3; tests in `tests/functional/filestore/test_published.py`. Names may be a stranger's.
"""

import html
import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from buildfarm.vocab.text import shown

#: Entries of a directory that a page lists: as many as a thread renders in about 2 ms.
MAX_LISTED = 2000


def directory_page(directory: Path, title: str) -> str:
    """What is in `directory`, but for what begins with a dot."""
    with os.scandir(directory) as entries:
        listed = list(islice((entry for entry in entries if entry.name[0] != "."), MAX_LISTED + 1))
    names = sorted(entry.name + "/" * entry.is_dir() for entry in listed[:MAX_LISTED])
    more = f"<p>Only {MAX_LISTED} entries are listed.</p>\n" if len(listed) > MAX_LISTED else ""
    return names_page(title, ["../", *names], more)


def names_page(title: str, names: Sequence[str], more: str = "") -> str:
    """Links to `names`, which end in a slash where they are directories; `more` is HTML."""
    items = "\n".join(f'<li><a href="./{quote(name)}">{_shown(name)}</a></li>' for name in names)
    heading = _shown(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><title>{heading}</title></head>\n<body>\n'
        f"<h1>{heading}</h1>\n<ul>\n{items}\n</ul>\n{more}"
        "</body>\n</html>\n"
    )


def _shown(text: str) -> str:
    return html.escape(shown(text))
