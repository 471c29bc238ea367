"""Files with public keys, as the rest of the farm takes them: armored.

Layer 7. Keyrings under /usr/share/keyrings are binary, keys on web pages are armored; apt takes
both, and so do we. Tests: tests/unit/commands/test_keys.py.
"""

import base64
import textwrap
from pathlib import Path

from buildfarm.flow.plainfiles import open_plain
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
        with open_plain(path) as file:
            content = file.read(MAX_KEYS + 1)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > MAX_KEYS:
        raise Refused(f"{path} is larger than the {MAX_KEYS} bytes that a file with keys may have.")
    if content and content[0] in _PUBLIC_KEY_BYTES:
        return _armored(content)
    if _BEGIN.encode() not in content or not content.isascii():
        raise Refused(f"{path} holds no public key, neither armored nor binary.")
    return content.decode("ascii")


def _armored(content: bytes) -> str:
    """Binary keys in ASCII armor, with the checksum that GnuPG asks for (RFC 4880, section 6)."""
    lines = textwrap.wrap(base64.b64encode(content).decode(), 64)
    checksum = base64.b64encode(_crc24(content).to_bytes(3, "big")).decode()
    return "\n".join((_BEGIN, "", *lines, f"={checksum}", _END, ""))


def _crc24(content: bytes) -> int:
    crc = 0xB704CE
    for byte in content:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc
