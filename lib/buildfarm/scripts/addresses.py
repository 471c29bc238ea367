"""Where a farm is, and where a user's credentials for it are.

Layer 7, pure. Tests: tests/unit/scripts/test_addresses.py.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from buildfarm.vocab.errors import Refused

#: The environment variable that names the farm where `--farm` does not, and what is asked else:
#: the farm on this machine.
FARM_VARIABLE = "BUILDD_MANAGER_URL"
DEFAULT_FARM = "http://127.0.0.1:8085"

#: The environment variable that names the credentials file, as launchpadlib has it.
CREDENTIALS_VARIABLE = "LP_CREDENTIALS_FILE"

#: What people copy from a script of theirs, although the versions come by themselves.
_VERSIONS = ("/devel", "/1.0", "/beta")


def farm_url(text: str) -> str:
    """The farm's address as scheme and host only, such as `https://farm.example:8443`.

    Raises Refused for what is none.
    """
    try:
        parts = urlsplit(text.strip())
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
        secret = parts.username is not None or parts.password is not None
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        good = secret = False
    if secret:
        raise Refused("The address of a farm holds no user and no password; use a token.")
    if not good:
        raise Refused(f"{text!r} is no address of a farm; say http://HOST or https://HOST.")
    path = parts.path.rstrip("/")
    if (path and path not in _VERSIONS) or parts.query or parts.fragment:
        raise Refused(f"{text!r} leads below a farm; say {parts.scheme}://{parts.netloc} alone.")
    return f"{parts.scheme}://{parts.netloc}"


def own_credentials(url: str, environment: Mapping[str, str]) -> Path:
    """Where credentials for the farm at `url` are looked for where nobody names a file.

    One file for each farm: what one farm was told in confidence is never sent to another.
    """
    config = environment.get("XDG_CONFIG_HOME", "")
    base = Path(config) if config.startswith("/") else Path.home() / ".config"
    return base / "buildd-manager" / f"{urlsplit(url).netloc}.credentials"
