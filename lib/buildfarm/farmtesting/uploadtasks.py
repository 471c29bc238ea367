"""Upload tasks for tests: hello 1.0 for amd64, on its way into an archive.

Beside the layers; used by the tests of `uploads` and of what stands above it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from buildfarm.farmtesting.cases import BEGINNING
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.build import AttemptSnapshot
from buildfarm.vocab.states import AttemptState, UploaderKind
from buildfarm.vocab.upload import UploadTask

_ARCHIVE = ArchiveSnapshot(
    id=1,
    name="main",
    distribution="debian",
    suites=("bookworm",),
    architectures=("amd64", "arm64"),
    nominated_architecture="amd64",
    component="main",
    bases=(),
    trusted_keys=(),
    uploader=UploaderKind.DIRECTORY,
    path="/nonexistent",
    key_id=None,
    private=False,
    virtualized=False,
)


def archive(uploader: UploaderKind, path: Path, **changed: Any) -> ArchiveSnapshot:
    """An archive of the directory `path`, with other fields where `changed` says so."""
    return replace(_ARCHIVE, uploader=uploader, path=str(path), **changed)


def upload_task(
    into: ArchiveSnapshot = _ARCHIVE, *, number: int = 1, prepared: bool = False, **changed: Any
) -> UploadTask:
    """The upload of build `number`, first attempt, into the archive `into`."""
    attempt = AttemptSnapshot(
        id=number,
        build_id=number,
        number=1,
        builder_id=1,
        builder_name="bob",
        cookie=f"PACKAGEBUILD-{number}-1-0123abcd",
        state=AttemptState.GATHERED,
        epoch=1,
        spool=f"PACKAGEBUILD-{number}-1-0123abcd",
        outcome=None,
        reason=None,
        claimed=BEGINNING,
        sent=BEGINNING,
        confirmed=BEGINNING,
        gathered=BEGINNING,
        closed=None,
        prepared=prepared,
        tries=0,
        next_try=None,
        last_error=None,
    )
    task = UploadTask(
        build_id=number,
        title="hello 1.0 amd64 in main/bookworm",
        source="hello",
        version="1.0",
        architecture="amd64",
        arch_indep=True,
        suite="bookworm",
        component="main",
        binaries=("hello", "hello-data"),
        archive=into,
        attempt=attempt,
    )
    return replace(task, **changed)
