"""URLs that a configuration file may name.

Layer 6. Tests: tests/unit/assembly/test_settings.py.
"""

import re
from urllib.parse import urlsplit

# What may stand in a URL; `urlsplit` lets spaces pass and drops line ends.
_URL = re.compile(r"[!-~]+")


def is_public_url(text: str, *, query: bool = False) -> bool:
    """Whether others can be told `text`: http or https, a host, no secrets; a query if allowed."""
    if not _URL.fullmatch(text):
        return False
    try:
        url = urlsplit(text)
        good_port = url.port is None or url.port > 0
    except ValueError:
        return False
    return (
        url.scheme in ("http", "https")
        and bool(url.hostname)
        and good_port
        and url.username is None
        and (query or not url.query)
        and not url.fragment
    )
