"""What a build shows to read what is private: a token that is made of its cookie and a key.

Layer 3; tests in `tests/unit/filestore/test_tokens.py`. `passes` says for how long one is good.

Nothing is stored per build, so a token is the same after a restart. Cookies are never used twice,
in a restored database neither, and the key leaves the state directory by no other way than here.
"""

import hashlib
import hmac
import os
import re
import stat
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from buildfarm.flow.durable import flush_directory
from buildfarm.vocab.build import AttemptSnapshot
from buildfarm.vocab.errors import Refused

#: The user of every request with a token.
USER = "buildd"

_KEY_SIZE = 32

_TOKEN = re.compile(r"bdt-([0-9]{1,18})-([0-9]{1,18})-[fa]-[0-9a-f]{64}")


class Scope(Enum):
    """What a token opens: one goes to the daemon, the other into the chroot, to apt."""

    FILES = "f"
    ARCHIVE = "a"


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a token names, whether it is right or not."""

    builder_id: int
    attempt_id: int


def named_in(token: str) -> Named | None:
    """The builder and attempt that a token is for; None for what has not the form of one."""
    match = _TOKEN.fullmatch(token)
    return None if match is None else Named(int(match[1]), int(match[2]))


class Tokens:
    """Makes tokens and compares them."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, attempt: AttemptSnapshot, scope: Scope) -> str:
        """The token of one attempt; `vocab.secrets` knows its form, and keeps it off logs."""
        message = f"{scope.value} {attempt.cookie}".encode()
        proof = hmac.digest(self._key, message, hashlib.sha256).hex()
        return f"bdt-{attempt.builder_id}-{attempt.id}-{scope.value}-{proof}"

    def fits(self, token: str, attempt: AttemptSnapshot, scope: Scope) -> bool:
        """Whether `token` is this attempt's; takes as long for a near miss as for any other."""
        return hmac.compare_digest(token.encode(), self.token(attempt, scope).encode())


def load_key(path: Path) -> bytes:
    """The key at `path`, made at the first start. Raises Refused for one that others can read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return _made_key(path)
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        key = file.read(_KEY_SIZE + 1)
    if mode & 0o077:
        raise Refused(
            f"{path} has mode {mode:04o}, and others may have read it: remove it and start again; "
            "a new key is made (builds of private archives that run now fail by that)."
        )
    if len(key) != _KEY_SIZE:
        raise Refused(f"{path} is no key of {_KEY_SIZE} bytes: remove it, and a new one is made.")
    return key


def _made_key(path: Path) -> bytes:
    key = os.urandom(_KEY_SIZE)
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(unfinished, flags, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    flush_directory(path.parent)
    return key
