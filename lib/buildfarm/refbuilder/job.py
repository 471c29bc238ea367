"""One build as it was asked for, and how it ended.

Beside the layers. Both go between the daemon and the process that builds as JSON.
Tests: tests/unit/refbuilder/test_job.py.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from buildfarm.vocab.errors import FarmError
from buildfarm.vocab.names import is_file_name, is_name
from buildfarm.vocab.states import BuildOutcome

#: Arguments without which the genuine daemon faults.
_REQUIRED = ("distribution", "series", "suite", "ogrecomponent")


class CallRefused(FarmError):
    """A call that this daemon, in its state, does not carry out: the caller gets fault 8002."""


@dataclass(frozen=True, slots=True)
class Job:
    """A `binarypackage` build.

    `chroot` is the tarball's path; `files` maps the names of the source package's files to their
    paths. `suite` becomes the Distribution of the `.changes`. With `arch_indep` the packages for
    all architectures are built too.
    """

    build_id: str
    chroot: Path
    files: dict[str, Path]
    suite: str
    architecture: str
    arch_indep: bool = False
    image_type: str = "chroot"
    debug_symbols: bool = False
    build_url: str = ""

    @classmethod
    def from_call(
        cls,
        build_id: object,
        chroot: Path,
        files: Mapping[str, Path],
        args: object,
        architecture: str,
    ) -> "Job":
        """The job of a `build` call; `architecture` is meant where the call names none.

        Raises CallRefused where the genuine daemon would fault, some of it after it has begun.
        """
        if not isinstance(build_id, str) or not build_id:
            raise CallRefused("A build needs an id.")
        if not isinstance(args, Mapping) or any(name not in args for name in _REQUIRED):
            raise CallRefused(f"Build {build_id} lacks some of the arguments {_REQUIRED}.")
        if not all(map(is_file_name, files)):
            raise CallRefused(f"Build {build_id} has files with names that are none.")
        if sum(name.endswith(".dsc") for name in files) != 1:
            raise CallRefused(f"Build {build_id} does not have exactly one .dsc.")
        job = cls(
            build_id,
            chroot,
            dict(files),
            suite=str(args["suite"]),
            architecture=str(args.get("arch_tag", architecture)),
            arch_indep=bool(args.get("arch_indep", False)),
            image_type=str(args.get("image_type", "chroot")),
            debug_symbols=bool(args.get("build_debug_symbols", False)),
            build_url=str(args.get("build_url", "")),
        )
        if not is_name(job.suite) or not is_name(job.architecture):
            raise CallRefused(f"Build {build_id} is for a suite or architecture that is no name.")
        return job

    @property
    def dsc(self) -> str:
        """The name of the source package's description."""
        return next(name for name in self.files if name.endswith(".dsc"))

    def to_json(self) -> str:
        """This job as `from_json` reads it."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """The job that `to_json` wrote."""
        job = cls(**json.loads(text))
        files = {name: Path(path) for name, path in job.files.items()}
        return replace(job, chroot=Path(job.chroot), files=files)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a build ended. `filemap` maps the names of its results to their SHA-1.

    `dependencies` are the build-dependencies that are missing, as a Depends field has them.
    """

    outcome: BuildOutcome
    filemap: dict[str, str] = field(default_factory=dict)
    dependencies: str = ""

    def to_json(self) -> str:
        """This ending as `from_json` reads it."""
        return json.dumps({**asdict(self), "outcome": self.outcome.value})

    @classmethod
    def from_json(cls, text: str) -> "Ending":
        """The ending that `to_json` wrote; raises ValueError for anything else."""
        try:
            fields = json.loads(text)
            return cls(
                BuildOutcome(fields["outcome"]), dict(fields["filemap"]), fields["dependencies"]
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"no ending of a build: {text[:200]!r}") from error
