"""Credentials files as launchpadlib reads them.

Layer 7. Tests: tests/functional/commands/test_people.py.
"""

import os
from pathlib import Path

from buildfarm.vocab.errors import Refused


def write_credentials(path: Path, consumer: str, key: str, secret: str) -> None:
    """Make the file `path`, for its owner alone. Raises Refused where it is there, or cannot be."""
    if "\n" in consumer or not consumer:
        raise Refused(f"{consumer!r} is no name for a client.")
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
        raise Refused(f"The credentials cannot be written to {path}: {error.strerror}.") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
