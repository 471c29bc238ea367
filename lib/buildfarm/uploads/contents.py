"""What a reprepro archive holds, seen as apt sees it: indexes and pool.

Layer 3; tests in `tests/functional/uploads/test_reprepro.py`. Blocks on the disk.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from debian.debian_support import Version

from buildfarm.uploads.check import BinaryPackage
from buildfarm.uploads.index import Entry, PackageIndex, index_path
from buildfarm.uploads.layout import Layout, pool_path
from buildfarm.vocab.errors import UploadRefused
from buildfarm.vocab.upload import UploadTask


class Contents:
    """The suite that `task` is for, as it is now; made anew after every change."""

    def __init__(self, layout: Layout, task: UploadTask) -> None:
        self._public = layout.public
        self._task = task
        self._indexes: dict[str, PackageIndex] = {}

    def hold(self, packages: Sequence[BinaryPackage]) -> bool:
        """Whether all of `packages` are published: in the pool and in the exported indexes."""
        return all(self._holds(package) for package in packages)

    def refuse_conflicts(self, packages: Sequence[BinaryPackage]) -> None:
        """Raise UploadRefused where the suite has a newer version, or other contents."""
        for package in packages:
            for _, entry in self._entries(package):
                if entry is not None:
                    self._compare(package, entry)

    def refuse_other_files(self, packages: Sequence[BinaryPackage]) -> None:
        """Raise UploadRefused where the pool has other contents under a name that is needed."""
        for package in packages:
            path = self.pool_path(package)
            if _sha256(self._public / path) not in {None, package.file.sha256}:
                raise UploadRefused(
                    f"The archive {self._task.archive.name} has {path} already, with other "
                    "contents; a changed package needs a new version."
                )

    def absent(self, packages: Sequence[BinaryPackage]) -> list[str]:
        """The paths in the pool of those packages that it does not have."""
        paths = [self.pool_path(package) for package in packages]
        return [path for path in paths if not (self._public / path).exists()]

    def pool_path(self, package: BinaryPackage) -> str:
        """Where the package is, relative to the public directory."""
        return pool_path(self._task.archive.component, self._task.source, package)

    def _holds(self, package: BinaryPackage) -> bool:
        path = self.pool_path(package)
        expected = Entry(package.version, path, package.file.sha256)
        return _sha256(self._public / path) == package.file.sha256 and all(
            index.exported and entry == expected for index, entry in self._entries(package)
        )

    def _compare(self, package: BinaryPackage, entry: Entry) -> None:
        where = f"{self._task.archive.name}/{self._task.suite}"
        if Version(entry.version) > Version(package.version):
            raise UploadRefused(
                f"{where} has {package.name} {entry.version} already, which is newer than "
                f"{package.version}."
            )
        if entry.version == package.version and entry.sha256 != package.file.sha256:
            raise UploadRefused(
                f"{where} has {package.name} {package.version} already, with other contents; "
                "a changed package needs a new version."
            )

    def _entries(self, package: BinaryPackage) -> Iterator[tuple[PackageIndex, Entry | None]]:
        """The indexes that a package belongs into, and what each says of it."""
        everywhere = package.architecture == "all"
        archive = self._task.archive
        for architecture in archive.architectures if everywhere else (package.architecture,):
            path = index_path(archive.component, architecture, udeb=package.is_udeb)
            if path not in self._indexes:
                suite_directory = self._public / "dists" / self._task.suite
                self._indexes[path] = PackageIndex(suite_directory, path)
            yield self._indexes[path], self._indexes[path].find(package.name)


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
