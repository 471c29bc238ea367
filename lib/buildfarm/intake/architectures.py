"""Which builds follow from a source package's `Architecture` field.

Layer 4. Wildcards are dpkg's (`any`, `linux-any`, `any-amd64`, …), matched with dpkg's own tables
under /usr/share/dpkg. `Architecture: all` packages are the same everywhere, so exactly one build
makes them: the one on the archive's nominated architecture. Tests:
tests/unit/intake/test_architectures.py.
"""

import functools
from collections.abc import Iterable, Sequence

from debian.debian_support import DpkgArchTable

from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.errors import FarmError, Refused
from buildfarm.vocab.submission import SourcePackage, WantedBuild

#: The word for packages without machine code.
ALL = "all"


def wanted_builds(
    source: SourcePackage, archive: ArchiveSnapshot, only: Sequence[str] = ()
) -> tuple[WantedBuild, ...]:
    """The builds that make every package of `source` for `archive`, in the archive's order.

    `only` names the architectures to build on, when not all of the archive's are wanted. Raises
    Refused where one of them is not the archive's, or where no build would follow.
    """
    for architecture in only:
        if architecture not in archive.architectures:
            raise Refused(
                f"The archive {archive.name} has no architecture {architecture}; "
                f"it has {', '.join(archive.architectures)}."
            )
    wanted = []
    for architecture in only or archive.architectures:
        arch_indep = ALL in source.architecture and architecture == archive.nominated_architecture
        if arch_indep or builds_on(architecture, source.architecture):
            wanted.append(WantedBuild(architecture, arch_indep))
    if not wanted:
        raise Refused(
            f"{source.name} is for {' '.join(source.architecture)}: nothing to build on "
            f"{', '.join(only or archive.architectures)} in the archive {archive.name}."
        )
    return tuple(dict.fromkeys(wanted))


def builds_on(architecture: str, words: Iterable[str]) -> bool:
    """Whether one of the `Architecture` words asks for machine code of this architecture."""
    table = _table()
    return any(word != ALL and table.matches_architecture(architecture, word) for word in words)


@functools.cache
def _table() -> DpkgArchTable:
    try:
        return DpkgArchTable.load_arch_table()
    except OSError as error:
        raise FarmError(
            f"dpkg's table of architectures cannot be read ({error}); is dpkg installed?"
        ) from error
