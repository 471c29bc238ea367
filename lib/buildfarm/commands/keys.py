"""Files with public keys, as the rest of the farm takes them: armored.

Layer 7. Keyrings under /usr/share/keyrings are binary, keys on web pages are armored; apt takes
both, and so do we. Tests: tests/unit/commands/test_keys.py.
"""

import base64
import textwrap
from pathlib import Path

from buildfarm.vocab.errors import Refused

_BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_END = "-----END PGP PUBLIC KEY BLOCK-----"

#: Bytes of a file with keys; a request to the daemon holds several.
MAX_KEYS = 256 * 1024

# RFC 9580: bit 7 is set in the first byte of every packet, and the packet type of a public key, 6,
# is in bits 2 to 5 (old format) or 0 to 5 (new format).
_PUBLIC_KEY_BYTES = {0xC6, *range(0x98, 0x9C)}


def read_key(path: Path) -> str:
    """The public keys in the file at `path`, armored; raises Refused where it holds none."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KEYS + 1)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > MAX_KEYS:
        raise Refused(f"{path} is larger than the {MAX_KEYS} bytes that a file with keys may have.")
    if content and content[0] in _PUBLIC_KEY_BYTES:
        # The checksum line is optional, and not wanted any more by RFC 9580.
        lines = textwrap.wrap(base64.b64encode(content).decode(), 64)
        return "\n".join((_BEGIN, "", *lines, _END, ""))
    if _BEGIN.encode() not in content or not content.isascii():
        raise Refused(f"{path} holds no public key, neither armored nor binary.")
    return content.decode("ascii")
