"""The check before any upload: the results are this build's, and nothing else (DESIGN 3, step 8).

Layer 3; tests in `tests/unit/uploads/test_check.py`. For the check's child (`checking`): reads what
strangers wrote, with bounds, opens nothing but what it is given, and changes nothing.

A build runs its package's own code, which can write whatever it likes into its results. It must
not be able to publish another package by that. So every file is accounted for: listed in the one
`.changes` and offered by the builder; and every package names the source and version that were
built, and a name that the source declares.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

from buildfarm.uploads.changes import MAX_CHANGES, Changes, named_source, read_changes
from buildfarm.uploads.debfile import read_control
from buildfarm.uploads.paragraph import required
from buildfarm.vocab.errors import UploadRefused
from buildfarm.vocab.names import is_file_name, is_name
from buildfarm.vocab.text import one_line
from buildfarm.vocab.upload import ResultFile, UploadTask

#: What dpkg-buildpackage makes in a binary build: packages, and two files about them.
PACKAGE_SUFFIXES = (".deb", ".udeb", ".ddeb")
_ABOUT_SUFFIXES = (".changes", ".buildinfo")

_VERSION = re.compile(r"(?:[0-9]{1,9}:)?[0-9A-Za-z][0-9A-Za-z.+~-]*")
_DEBUG_SYMBOLS = "-dbgsym"

#: Gives the open file of a result; it is asked more than once.
_Opened = Callable[[ResultFile], BinaryIO]


@dataclass(frozen=True, slots=True)
class BinaryPackage:
    """A package file that passed the check, and what its control data says.

    `classified`: it has a section and a priority of its own, as archives want it.
    """

    file: ResultFile
    name: str
    version: str
    architecture: str
    classified: bool = True

    @property
    def is_udeb(self) -> bool:
        """Whether it is for the installer only."""
        return self.suffix == ".udeb"

    @property
    def suffix(self) -> str:
        """What its file's name ends in."""
        return self.file.name[self.file.name.rfind(".") :]

    @property
    def stem(self) -> str:
        """What its file is called, without the suffix: the epoch of a version is left out."""
        return f"{self.name}_{self.version.rpartition(':')[2]}_{self.architecture}"


def _nothing() -> None:
    """What a caller does before the results are read who trusts them, or us, enough."""


def check_results(
    task: UploadTask,
    results: Sequence[ResultFile],
    before_reading: Callable[[], None] = _nothing,
) -> tuple[BinaryPackage, ...]:
    """The packages that may be published for `task`.

    `before_reading` is called once all results are open: nothing else is opened after it, and
    nothing was read before. Raises UploadRefused with the reason, which names the file. Raises
    OSError where our own disk fails.
    """
    with ExitStack() as stack:
        streams = {file.path: stack.enter_context(file.path.open("rb")) for file in results}
        before_reading()
        return _check(task, results, lambda file: streams[file.path])


def _check(
    task: UploadTask, results: Sequence[ResultFile], opened: _Opened
) -> tuple[BinaryPackage, ...]:
    files = _by_name(results)
    changes_name, changes = _only_changes(files, opened)
    _compare_with_build(changes_name, changes, task)
    _compare_with_files(changes_name, changes, files, opened)
    packages = tuple(
        _check_package(file, changes, task, opened)
        for name, file in sorted(files.items())
        if name.endswith(PACKAGE_SUFFIXES)
    )
    if not packages:
        raise UploadRefused("There is no binary package in the results.")
    _refuse_twins(packages)
    return packages


def _refuse_twins(packages: Iterable[BinaryPackage]) -> None:
    """A `.deb` and a `.ddeb` of the same name are one package to an archive, and to apt."""
    seen: dict[tuple[str, bool], str] = {}
    for package in packages:
        key = package.stem, package.is_udeb
        if key in seen:
            raise UploadRefused(f"{seen[key]} and {package.file.name} are the same package.")
        seen[key] = package.file.name


def _by_name(results: Iterable[ResultFile]) -> dict[str, ResultFile]:
    files: dict[str, ResultFile] = {}
    for result in results:
        if not is_file_name(result.name):
            raise UploadRefused(f"{_quoted(result.name)} is no file name of a package build.")
        if result.name in files:
            raise UploadRefused(f"{result.name} is twice in the results.")
        if not result.name.endswith(PACKAGE_SUFFIXES + _ABOUT_SUFFIXES):
            raise UploadRefused(f"{result.name} is no kind of file that a binary build makes.")
        files[result.name] = result
    return files


def _only_changes(files: Mapping[str, ResultFile], opened: _Opened) -> tuple[str, Changes]:
    """Name and statement of the one `.changes`."""
    names = [name for name in files if name.endswith(".changes")]
    if len(names) != 1:
        found = ", ".join(names) or "none"
        raise UploadRefused(f"There must be exactly one .changes file in the results: {found}.")
    stream = opened(files[names[0]])
    stream.seek(0)
    return names[0], read_changes(stream.read(MAX_CHANGES + 1), names[0])


def _compare_with_build(name: str, changes: Changes, task: UploadTask) -> None:
    """Source, version and architectures are those that were to be built."""
    if changes.source != task.source:
        raise UploadRefused(
            f"{name} is of the source {_quoted(changes.source)}, not {task.source}."
        )
    if changes.source_version != task.version:
        raise UploadRefused(
            f"{name} is of version {_quoted(changes.source_version)}, not {task.version}."
        )
    rebuild = re.compile(re.escape(task.version) + r"(?:\+b[0-9]{1,9})?")
    if rebuild.fullmatch(changes.version) is None:
        raise UploadRefused(
            f"{name} has the version {_quoted(changes.version)}, which is no rebuild of "
            f"{task.version}."
        )
    if not changes.architectures <= _architectures(task):
        found = one_line(" ".join(sorted(changes.architectures)))
        raise UploadRefused(f"{name} is for {found}; the build is for {_wanted(task)}.")


def _compare_with_files(
    name: str, changes: Changes, files: Mapping[str, ResultFile], opened: _Opened
) -> None:
    """The `.changes` lists exactly the other files, each as it is."""
    for listed in sorted(changes.files.keys() - files.keys()):
        raise UploadRefused(f"{name} lists {_quoted(listed)}, which is not in the results.")
    for unlisted in sorted(files.keys() - changes.files.keys() - {name}):
        raise UploadRefused(f"{unlisted} is in the results, but {name} does not list it.")
    for file in files.values():
        size, sha256 = _measure(opened(file))
        expected = changes.files.get(file.name)
        if (size, sha256) != (file.size, file.sha256):
            raise UploadRefused(f"{file.name} in the spool is no more what was gathered.")
        if expected is not None and (size, sha256) != (expected.size, expected.sha256):
            raise UploadRefused(f"{file.name} has another size or SHA-256 than {name} lists.")


def _measure(stream: BinaryIO) -> tuple[int, str]:
    stream.seek(0)
    digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    return stream.tell(), digest


def _check_package(
    file: ResultFile, changes: Changes, task: UploadTask, opened: _Opened
) -> BinaryPackage:
    """The control data of one package is of this build and fits its file name."""
    where = file.name
    control = read_control(opened(file), where)
    package = BinaryPackage(
        file,
        required(control, "Package", where),
        required(control, "Version", where),
        required(control, "Architecture", where),
        classified=bool(control.get("section") and control.get("priority")),
    )
    if not is_declared(package.name, task.binaries):
        raise UploadRefused(
            f"{where} is the package {_quoted(package.name)}, which the source does not declare."
        )
    if _VERSION.fullmatch(package.version) is None:
        raise UploadRefused(f"{where} has the version {_quoted(package.version)}, which is none.")
    _compare_source(control, package, task)
    if package.architecture not in _architectures(task) & changes.architectures:
        raise UploadRefused(
            f"{where} is for {_quoted(package.architecture)}; the build is for {_wanted(task)}."
        )
    expected = package.stem + package.suffix
    if where != expected:
        raise UploadRefused(f"{where} should be called {expected} by its control data.")
    return package


def is_declared(name: str, binaries: Collection[str]) -> bool:
    """Whether a source of these `binaries` may build a package of this name."""
    return is_name(name) and (name in binaries or name.removesuffix(_DEBUG_SYMBOLS) in binaries)


def _compare_source(control: Mapping[str, str], package: BinaryPackage, task: UploadTask) -> None:
    """The package says that it was built from the build's source, in the build's version."""
    where = package.file.name
    field = required(control, "Source", where) if "source" in control else package.name
    source, version = named_source(field, package.version, where)
    if (source, version) != (task.source, task.version):
        raise UploadRefused(
            f"{where} is built from {_quoted(f'{source} {version}')}, not from {task.source} "
            f"{task.version}."
        )


def _architectures(task: UploadTask) -> frozenset[str]:
    """What the packages of this build may be for."""
    return frozenset((task.architecture, "all") if task.arch_indep else (task.architecture,))


def _wanted(task: UploadTask) -> str:
    return " and ".join(sorted(_architectures(task)))


def _quoted(text: str) -> str:
    return repr(one_line(text))
