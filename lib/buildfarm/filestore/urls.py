"""Where a builder finds a file of the store.

Layer 3; tests in `tests/unit/filestore/test_urls.py`. Pure. `filestore.resource` answers there.
"""

from urllib.parse import quote

from buildfarm.vocab.build import StoredFile


def file_url(public_url: str, file: StoredFile) -> str:
    """The URL of `file` below the files listener's `public_url`: `…/<sha256>/<name>`.

    The name is for people who read logs; only the digest counts.
    """
    return f"{public_url.rstrip('/')}/{file.sha256}/{quote(file.name, safe='')}"


def with_credentials(url: str, user: str, password: str) -> str:
    """`url`, which has none, with `user` and `password` before the host.

    Only for apt's list of sources, which knows no other place that a build daemon can fill.
    """
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{quote(user, safe='')}:{quote(password, safe='')}@{rest}"
