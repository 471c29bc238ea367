"""Files with a password or a key in them, read each time, so that a new one needs no restart.

Layer 4. Tests: tests/unit/notifying/test_secretfiles.py. Blocks on the disk.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from buildfarm.flow.plainfiles import open_plain
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.settings import Settings

#: No password and no key is longer.
_MAX_BYTES = 4096


def read_secret(path: Path) -> bytes:
    """The content of the file, without white space around it.

    Raises Refused for one that cannot be read, that everybody can read, or that is empty.
    """
    try:
        with open_plain(path) as stream:
            if os.fstat(stream.fileno()).st_mode & stat.S_IRWXO:
                raise Refused(f"{path} can be read by everybody; make its mode 0640 or 0600.")
            content = stream.read(_MAX_BYTES + 1).strip()
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error
    if not content or len(content) > _MAX_BYTES:
        raise Refused(f"{path} is empty, or larger than {_MAX_BYTES} bytes.")
    return content


def unusable(settings: Settings) -> Iterator[str]:
    """What is wrong with the files that `[mail]` and `[[webhooks]]` name, as clauses."""
    mail = settings.mail
    files = [mail.password_file] if mail.host and mail.user else []
    for path in (*files, *(one.secret_file for one in settings.webhooks)):
        try:
            assert path is not None, "the settings were checked"
            read_secret(path)
        except Refused as error:
            yield str(error).rstrip(".")
