"""URIs of databases, as people may see them.

Layer 3. Tests: tests/unit/storage/test_uris.py.
"""

import re

#: What stands between the user's name and the last @, and the value of an option.
_PASSWORD = re.compile(r"(?s)(//[^:/@]*:).*@|(\bpassword=)[^&]*")


def without_password(uri: str) -> str:
    """`uri` with the sign `***` for a password, wherever it is; also where it is no good URI."""
    return _PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", uri)
