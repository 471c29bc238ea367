"""URIs of databases: which there are, and what people may see of them.

Layer 3; imports no driver, so that a configuration is checked quickly. Tests:
tests/unit/storage/test_uris.py.
"""

import re
from pathlib import Path

from storm.exceptions import URIError
from storm.uri import URI

from buildfarm.vocab.errors import SettingsError

#: What stands between the user's name and the last @, and the value of an option.
_PASSWORD = re.compile(r"(?s)(//[^:/@]*:).*@|(password=)[^&]*")


def without_password(uri: str) -> str:
    """`uri` with the sign `***` for a password, wherever it is; also where it is no good URI."""
    return _PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", uri)


def parsed(uri: str) -> URI:
    """The parts of the URI of a database, whose `scheme` is "sqlite" or "postgres".

    Raises SettingsError, without the password, for what names no database that can be used.
    """
    try:
        found = URI(uri)
    except (URIError, ValueError):
        pass  # what is wrong is told with the URI in full
    else:
        if found.scheme == "sqlite" and found.database and Path(found.database).is_absolute():
            return found
        if found.scheme == "postgres" and found.database:
            return found
    raise SettingsError(
        f"{without_password(uri)!r} is no database that can be used: it takes sqlite:///PATH, "
        "for example sqlite:////var/lib/buildd-manager/farm.db, or postgres://HOST/NAME."
    )
