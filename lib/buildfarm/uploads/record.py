"""What a `directory` archive remembers of each package version that was published in it.

Layer 3; tests in `tests/functional/uploads/test_directory.py`. Blocks on the disk; for who holds
the archive's lock.

Whoever reads `incoming` takes uploads away, and the database may be restored from a time before
they were made. Then only this tells that a build which is made once more was published already.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from buildfarm.flow.durable import flush_directory, write_durably
from buildfarm.vocab.upload import ResultFile, UploadTask

PUBLISHED = "published"


class Record:
    """The record of one version of a source, for one suite and architecture, in `root`.

    It is there before the upload is public: `cookie` is that of the upload, `files` are their
    SHA-256 by name; empty where there is no record.
    """

    def __init__(self, root: Path, task: UploadTask) -> None:
        name = f"{task.suite}_{task.version}_{task.architecture}"
        self._path = root / PUBLISHED / task.source / name
        self.cookie = ""
        self.files: Mapping[str, str] = {}
        if self._path.exists():
            content = json.loads(self._path.read_bytes())
            self.cookie, self.files = content["cookie"], content["files"]

    def is_of(self, files: Sequence[ResultFile]) -> bool:
        """Whether just these contents are recorded."""
        return self.files == _digests(files)

    def write(self, cookie: str, files: Sequence[ResultFile]) -> None:
        """Record that the upload `cookie` of `files` is about to be public."""
        for directory in (self._path.parent.parent, self._path.parent):
            directory.mkdir(mode=0o750, exist_ok=True)
            flush_directory(directory.parent)
        content = {"cookie": cookie, "files": _digests(files)}
        write_durably(self._path, json.dumps(content).encode())

    def remove(self) -> None:
        """Forget it: that upload never became public."""
        self._path.unlink()
        flush_directory(self._path.parent)


def _digests(files: Sequence[ResultFile]) -> dict[str, str]:
    return {file.name: file.sha256 for file in files}
