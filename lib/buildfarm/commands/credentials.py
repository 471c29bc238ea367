"""Credentials files as launchpadlib reads them.

Layer 7. Tests: tests/functional/commands/test_people.py.
"""

import errno
import os
from pathlib import Path

from buildfarm.vocab.errors import Refused


def require_place(path: Path, consumer: str) -> None:
    """Raises Refused where a file for the client `consumer` cannot be made at `path`.

    To be asked before there is a token: its secret is told once.
    """
    if "\n" in consumer or not consumer:
        raise Refused(f"{consumer!r} is no name for a client.")
    if os.path.lexists(path):
        raise _cannot(path, os.strerror(errno.EEXIST))
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise _cannot(path, f"{path.parent} is no directory that you may write to")


def write_credentials(path: Path, consumer: str, key: str, secret: str) -> None:
    """Make the file `path`, for its owner alone. Raises Refused where it is there, or cannot be."""
    text = (
        "[1]\n"
        f"consumer_key = {consumer}\n"
        "consumer_secret = \n"
        f"access_token = {key}\n"
        f"access_secret = {secret}\n"
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _cannot(path, str(error.strerror)) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _cannot(path: Path, why: str) -> Refused:
    return Refused(f"The credentials cannot be written to {path}: {why}.")
