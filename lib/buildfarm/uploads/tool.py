"""The program reprepro, on one archive.

Layer 3; tests in `tests/functional/uploads/test_reprepro.py`. Blocks; for who holds the archive's
lock.
"""

from collections.abc import Sequence
from itertools import groupby

from buildfarm.uploads.check import BinaryPackage
from buildfarm.uploads.layout import Layout
from buildfarm.uploads.programs import run_program
from buildfarm.vocab.errors import UploadPostponed
from buildfarm.vocab.text import one_line

_FLAGS = (
    # Files in the spool have numbers for names.
    "--ignore=extension",
    # A suite or architecture that was taken out of the archive must not stop the others.
    "--ignore=undefinedtarget",
)

#: What is superseded leaves the pool at the next upload.
_KEEP = ("--keepunreferencedfiles",)

#: For packages that say neither; reprepro refuses those otherwise.
_UNCLASSIFIED = ("--section", "misc", "--priority", "optional")


class Reprepro:
    """Runs reprepro; `descriptors` and `deadline` are `run_program`'s.

    Each method raises UploadPostponed, with reprepro's last words, where reprepro fails.
    """

    def __init__(
        self, layout: Layout, *, descriptors: Sequence[int] = (), deadline: float | None = None
    ) -> None:
        self._layout = layout
        self._descriptors = descriptors
        self._deadline = deadline

    def include(self, suite: str, component: str, packages: Sequence[BinaryPackage]) -> None:
        """Add packages to a suite and export its indexes, all those of a kind at once."""
        for (is_udeb, classified), alike in groupby(sorted(packages, key=_kind), key=_kind):
            flags = () if classified else _UNCLASSIFIED
            verb = "includeudeb" if is_udeb else "includedeb"
            files = [str(package.file.path) for package in alike]
            self._run(*_KEEP, *flags, "--component", component, verb, suite, *files)

    def export(self) -> None:
        """Write the indexes of every suite anew."""
        self._run("export")

    def remove_unreferenced(self) -> None:
        """Remove from the pool what no index of the database names any more."""
        self._run("deleteunreferenced")

    def _run(self, *arguments: str) -> None:
        command = ["reprepro", "--basedir", str(self._layout.root), *_FLAGS, *arguments]
        try:
            ended = run_program(command, descriptors=self._descriptors, deadline=self._deadline)
        finally:
            if self._layout.keys.exists():
                self._end_agent()
        if ended.status != 0:
            said = one_line(ended.output, 1000) or "nothing"
            raise UploadPostponed(f"reprepro failed with status {ended.status} and said: {said}")

    def _end_agent(self) -> None:
        """Signing leaves gpg's agent running; nothing of an upload is to outlive it."""
        command = ["gpgconf", "--homedir", str(self._layout.keys), "--kill", "gpg-agent"]
        run_program(command, deadline=self._deadline)


def _kind(package: BinaryPackage) -> tuple[bool, bool]:
    return package.is_udeb, package.classified
