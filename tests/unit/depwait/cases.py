"""Archives, and builds that wait for packages in them."""

from typing import Any

from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.depwait import Waiting
from buildfarm.vocab.states import UploaderKind


def archive(**fields: Any) -> ArchiveSnapshot:
    """An archive that apt can read, without base lines."""
    described: dict[str, Any] = {
        "id": 1,
        "name": "main",
        "distribution": "debian",
        "suites": ("bookworm",),
        "architectures": ("amd64",),
        "nominated_architecture": "amd64",
        "component": "main",
        "bases": (),
        "trusted_keys": (),
        "uploader": UploaderKind.REPREPRO,
        "path": "/srv/main",
        "key_id": None,
        "private": False,
        "virtualized": False,
        **fields,
    }
    return ArchiveSnapshot(**described)


def waiting(dependencies: str = "libfoo-dev (>= 1.2)", **fields: Any) -> Waiting:
    """A build that waits for something."""
    described: dict[str, Any] = {
        "build_id": 7,
        "title": "hello 1.0 amd64 in main/bookworm",
        "suite": "bookworm",
        "architecture": "amd64",
        "dependencies": dependencies,
        "archive": archive(),
        "last": None,
        **fields,
    }
    return Waiting(**described)
