"""The `reprepro` uploader: an archive that apt reads, in which each upload appears once.

Layer 3; tests in `tests/functional/uploads/test_reprepro.py`. Blocks on the disk and on reprepro;
for who holds the archive's lock.

reprepro's exit status proves nothing: killed while it exports and simply run again, it succeeds
and deletes the package from the pool. So each change is bracketed by `undo`, and "published" means
that every package is in the pool with our SHA-256 and in the exported indexes.

Binary packages are published, not sources, `.changes` and `.buildinfo`. Files of superseded
packages leave the pool at the next upload, not at once, so that a build that has just read the
indexes still finds them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from buildfarm.flow.durable import flush_directory, flush_file, flush_tree
from buildfarm.uploads.check import BinaryPackage
from buildfarm.uploads.configuration import configure
from buildfarm.uploads.contents import Contents
from buildfarm.uploads.layout import Layout
from buildfarm.uploads.tool import Reprepro
from buildfarm.uploads.undo import Undo
from buildfarm.vocab.errors import FarmError, UploadPostponed
from buildfarm.vocab.upload import UploadTask


def publish_with_reprepro(
    task: UploadTask,
    packages: Sequence[BinaryPackage],
    *,
    report: Callable[[str], None],
    descriptors: Sequence[int],
) -> None:
    """Publish `packages`; return once they are, now or by an earlier try.

    `report` is told each step that is on the disk; `descriptors` are the locks that reprepro holds
    as well. Raises UploadRefused for an older version and for other contents, UploadPostponed for
    what may be mended.
    """
    layout = Layout(Path(task.archive.path))
    if not layout.conf.is_dir():
        raise UploadPostponed(f"{layout.root} holds no archive; was it moved, or not mounted?")
    tool, undo = Reprepro(layout, descriptors=descriptors), Undo(layout)
    recover(layout, tool, undo)
    contents = Contents(layout, task)
    if undo.published(task.attempt.cookie) or contents.hold(packages):
        return
    contents.refuse_conflicts(packages)
    try:
        _Change(layout, task, packages, tool, undo, report).make()
    except (FarmError, OSError):
        recover(layout, tool, undo)
        raise


def is_published(task: UploadTask) -> bool:
    """Whether this very upload was published, as far back as the archive's ledger goes."""
    return Undo(Layout(Path(task.archive.path))).published(task.attempt.cookie)


def recover(layout: Layout, tool: Reprepro, undo: Undo) -> None:
    """Take back a change that was cut off, if there is one. Raises UploadPostponed."""
    if undo.pending:
        if undo.restore():
            tool.export()
            flush_tree(layout.public / "dists")
        undo.end()


@dataclass(frozen=True, slots=True)
class _Change:
    """One upload's change of an archive, to be taken back where it does not come to its end."""

    layout: Layout
    task: UploadTask
    packages: Sequence[BinaryPackage]
    tool: Reprepro
    undo: Undo
    report: Callable[[str], None]

    def make(self) -> None:
        """Save, change, verify, flush, and enter it into the ledger."""
        cookie = self.task.attempt.cookie
        self.undo.begin(cookie)
        self.report("upload.saved")
        self._include(cookie)
        self.report("upload.included")
        self._verify()
        self.report("upload.verified")
        self._flush()
        self.undo.commit(cookie)
        self.report("upload.committed")

    def _include(self, cookie: str) -> None:
        archive = self.task.archive
        if configure(self.layout, archive):
            self.tool.export()
        self.tool.remove_unreferenced()
        contents = Contents(self.layout, self.task)
        contents.refuse_other_files(self.packages)
        self.undo.note(cookie, contents.absent(self.packages))
        self.tool.include(self.task.suite, archive.component, self.packages)

    def _verify(self) -> None:
        if not Contents(self.layout, self.task).hold(self.packages):
            root = self.layout.root
            raise UploadPostponed(
                f"reprepro succeeded, but {self.task.title} is not in the pool and the indexes of "
                f"{root}; reprepro --basedir {root} checkpool may tell why."
            )

    def _flush(self) -> None:
        """Wait until all that was changed is on the disk."""
        contents = Contents(self.layout, self.task)
        paths = [Path(contents.pool_path(package)) for package in self.packages]
        for path in paths:
            flush_file(self.layout.public / path)
        for directory in {parent for path in paths for parent in path.parents}:
            flush_directory(self.layout.public / directory)
        flush_tree(self.layout.public / "dists")
        flush_tree(self.layout.database)
        flush_directory(self.layout.root)
