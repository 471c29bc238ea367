"""A source package on its way in, checked and stored, before it has builds."""

from dataclasses import dataclass

from buildfarm.vocab.build import StoredFile


@dataclass(frozen=True, slots=True)
class SourcePackage:
    """What a `.dsc` says. `files` holds the `.dsc` itself first, then every file it names.

    `architecture` is the field's words (`any`, `all`, `linux-any`, `amd64 arm64`, …);
    `binaries` are the packages that it declares, for the check of the results.
    """

    name: str
    version: str
    architecture: tuple[str, ...]
    binaries: tuple[str, ...]
    files: tuple[StoredFile, ...]


@dataclass(frozen=True, slots=True)
class WantedBuild:
    """One build that a submission asks for; `arch_indep` also builds `Architecture: all`."""

    architecture: str
    arch_indep: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """A source package for one archive and suite, and the builds that follow from it."""

    source: SourcePackage
    archive: str
    suite: str
    builds: tuple[WantedBuild, ...]
    score: int
    requester: str
