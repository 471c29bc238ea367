"""A place to publish from: spool, archive, locks, and a real fork server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.packages import Results, deb
from buildfarm.farmtesting.uploadtasks import archive, upload_task
from buildfarm.flow.childpool import ChildPool
from buildfarm.flow.forks import Child, ForkServer
from buildfarm.uploads import checking
from buildfarm.uploads.creation import create_archive
from buildfarm.uploads.jobs import FUNCTION, PRELOADED
from buildfarm.uploads.publishing import publish
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.settings import UploadSettings
from buildfarm.vocab.states import UploaderKind
from buildfarm.vocab.upload import ResultFile, UploadTask


class Killed(Exception):
    """This try goes no further."""


def hello(version: str = "1.0", content: bytes = b"hello\n") -> Results:
    """Results of hello: a package for the architecture and one for all."""
    number = version.rpartition(":")[2]
    return Results(
        files={
            f"hello_{number}_amd64.deb": deb(
                version=version, files={"./usr/share/hello/greeting": content}
            ),
            f"hello-data_{number}_all.deb": deb("hello-data", version, "all", source="hello"),
        },
        changes_fields={"Architecture": "amd64 all", "Version": version},
    )


class WatchedPool(ChildPool):
    """Tells which child was lent out last."""

    lent: Child

    @contextmanager
    def lend(self) -> Iterator[Child]:
        """As the real one, and remember it."""
        with super().lend() as self.lent:
            yield self.lent


class PublishingTestCase(FarmTestCase):
    """`publish` with real children. `steps` are the checkpoints that were passed."""

    uploader = UploaderKind.DIRECTORY
    timeout = 120.0

    def setUp(self) -> None:
        super().setUp()
        self.home = self.make_directory()
        self.locks_dir = self.home / "locks"
        self.root = self.home / "archive"
        self.archive = self.make_archive()
        self.settings = UploadSettings(deadline=60.0, check_deadline=60.0)
        self.start_children()
        self.steps: list[str] = []
        self.prepared = False

    def start_children(self) -> None:
        """Have children of a new fork server, which learns the environment as it is now."""
        self.checks = ForkServer(checking.PRELOADED)
        self.addCleanup(self.checks.stop)
        forks = ForkServer(PRELOADED)
        self.addCleanup(forks.stop)
        self.children = WatchedPool(forks, FUNCTION, most_jobs=100)
        self.addCleanup(self.children.stop)

    def make_archive(self, **changed: Any) -> ArchiveSnapshot:
        """The archive that the test publishes into, made and ready."""
        made = archive(self.uploader, self.root, **changed)
        create_archive(made, self.locks_dir)
        return made

    def task(self, **changed: Any) -> UploadTask:
        """An upload into the archive, with what the database knows of earlier tries."""
        return upload_task(self.archive, **{"prepared": self.prepared, **changed})

    def spool(self, results: Results, number: int = 1) -> tuple[ResultFile, ...]:
        """Results as a gatherer leaves them."""
        return results.write(self.home / "spool" / str(number))

    def publish(
        self,
        results: tuple[ResultFile, ...],
        task: UploadTask | None = None,
        checkpoint: Callable[[str], None] | None = None,
    ) -> None:
        """One try."""
        publish(
            task or self.task(),
            results,
            self.commit_prepared,
            checks=self.checks,
            children=self.children,
            settings=self.settings,
            locks_dir=self.locks_dir,
            checkpoint=checkpoint or self.steps.append,
        )

    def commit_prepared(self) -> None:
        """What the database does."""
        self.prepared = True

    def orphan_at(self, last: str, results: tuple[ResultFile, ...], task: UploadTask) -> None:
        """A try whose manager is killed at the step `last`, while its child lives on."""

        def checkpoint(step: str) -> None:
            if step == last:
                self.children.lent.close = self.children.lent.abandon  # type: ignore[method-assign]
                raise Killed

        self.assertRaises(Killed, self.publish, results, task, checkpoint)

    def killing_at(self, fatal: str) -> Callable[[str], None]:
        """A checkpoint at which this try ends at once: its child is killed where it stands."""

        def checkpoint(step: str) -> None:
            self.steps.append(step)
            if step == fatal:
                raise Killed

        return checkpoint
