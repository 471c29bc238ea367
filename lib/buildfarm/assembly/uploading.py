"""The upload stage, wired: its threads, and the servers that fork its children.

Layer 6; part of `assembly.service`. Tests: tests/functional/assembly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from buildfarm.assembly.ground import Ground
from buildfarm.flow.childpool import ChildPool
from buildfarm.flow.threads import Workers
from buildfarm.uploading.stage import UploadStage
from buildfarm.uploads import checking
from buildfarm.uploads.jobs import FUNCTION, PRELOADED
from buildfarm.uploads.publishing import publish
from buildfarm.vocab.upload import ResultFile, UploadTask

#: Uploads after which a child is replaced, so that what it leaks stays bounded.
_JOBS_PER_CHILD = 200


@dataclass(frozen=True, slots=True)
class Uploads:
    """The stage, and what stops after it: its threads, then `tools` from the last to the first."""

    stage: UploadStage
    workers: Workers
    tools: Sequence[tuple[str, Callable[[], object]]]


def wire_uploads(ground: Ground) -> Uploads:
    """The upload stage with its own threads and the servers that fork its children."""
    settings, surroundings = ground.settings, ground.surroundings
    checks = surroundings.start_forks(checking.PRELOADED)
    forks = surroundings.start_forks(PRELOADED)
    children = ChildPool(forks, FUNCTION, _JOBS_PER_CHILD)
    size = settings.uploads.threads
    crew = surroundings.make_crew(size, "uploads")
    workers = Workers(ground.reactor, size, 256, "uploads", crew)

    def publish_as_set(
        task: UploadTask, results: tuple[ResultFile, ...], commit_prepared: Callable[[], None]
    ) -> None:
        publish(
            task,
            results,
            commit_prepared,
            checks=checks,
            children=children,
            settings=stage.settings,
            locks_dir=settings.locks_dir,
            checkpoint=ground.checkpoint,
            clock=ground.reactor.seconds,
        )

    stage = UploadStage(
        ground.reactor,
        storage=ground.storage,
        epoch=ground.epoch,
        workers=workers,
        publish=publish_as_set,
        spool_dir=settings.spool_dir,
        settings=settings.uploads,
        utc_now=ground.utc_now,
        checkpoint=ground.checkpoint,
        spread=surroundings.spread,
        wait_in_thread=surroundings.wait_in_thread,
    )
    tools = (
        ("fork server of checks", checks.stop),
        ("fork server", forks.stop),
        ("upload children", children.stop),
    )
    return Uploads(stage, workers, tools)
