"""The process that builds one package with dpkg's tools.

Beside the layers; started by `refbuilder.backend`, which kills it, its process group and all that
still holds its lock. It blocks as it likes. Its last line on standard output is the ending, as
JSON; without one, the builder has failed.

The package's build code runs as this process's user, on this host, with nothing around it. The
chroot is checked and not entered, and `archives` and `trusted_keys` are not used: what a package
needs to build must be installed here. Tests: tests/functional/refbuilder/test_backend.py.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Changes

from buildfarm.flow.lockfiles import try_hold
from buildfarm.refbuilder.buildlog import BuildLog, LogFull
from buildfarm.refbuilder.chroottarball import chroot_fault
from buildfarm.refbuilder.dependencies import missing_dependencies
from buildfarm.refbuilder.job import Ending, Job
from buildfarm.refbuilder.workplace import Workplace
from buildfarm.vocab.names import is_file_name
from buildfarm.vocab.states import BuildOutcome

#: Where the source package is unpacked: the same for every version.
_SOURCE = "source"

UNCONFINED = "This build runs unconfined on this host: it is for trusted sources only."


class Ended(Exception):
    """The build has ended before its last step; the log says why, or `reason` does."""

    def __init__(self, outcome: BuildOutcome, reason: str = "", dependencies: str = "") -> None:
        super().__init__(reason)
        self.ending = Ending(outcome, dependencies=dependencies)


@dataclass(frozen=True, slots=True)
class PackageBuild:
    """The build of `job` in the empty directory `directory`; results go to `results`.

    What it starts inherits the descriptor `lock`.
    """

    job: Job
    directory: Path
    results: Path
    log: BuildLog
    lock: int

    def run(self) -> Ending:
        """Build, saying in the log what is done."""
        try:
            self._check_chroot()
            self._unpack()
            self._check_dependencies()
            self._build()
            return Ending(BuildOutcome.OK, self._collect())
        except LogFull:
            return Ending(BuildOutcome.PACKAGEFAIL)
        except Ended as ended:
            if str(ended):
                self.log.say(f"\n{ended}")
            return ended.ending

    def _check_chroot(self) -> None:
        fault = chroot_fault(self.job.chroot, self.job.image_type)
        if fault is not None:
            raise Ended(BuildOutcome.CHROOTFAIL, fault)

    def _unpack(self) -> None:
        for name, path in self.job.files.items():
            (self.directory / name).symlink_to(path)
        extract = ["dpkg-source", "--extract", self.job.dsc, _SOURCE]
        if self._run(extract, self.directory) != 0:
            raise Ended(BuildOutcome.PACKAGEFAIL, "The source package could not be unpacked.")

    def _check_dependencies(self) -> None:
        """Compare build-dependencies with what is installed; nothing is ever installed."""
        kind = [] if self.job.arch_indep else ["-B"]
        check = ["dpkg-checkbuilddeps", f"-a{self.job.architecture}", *kind]
        told = subprocess.run(
            check,
            cwd=self.directory / _SOURCE,
            env=self._environment,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ).stdout.decode(errors="replace")
        missing = missing_dependencies(told)
        if missing:
            self.log.say(told)
            raise Ended(
                BuildOutcome.DEPFAIL,
                f"Not installed on this builder, which installs nothing: {missing}",
                missing,
            )

    def _build(self) -> None:
        build = [
            "dpkg-buildpackage",
            "-b" if self.job.arch_indep else "-B",
            "-us",
            "-uc",
            f"-a{self.job.architecture}",
            f"--changes-option=-DDistribution={self.job.suite}",
        ]
        status = self._run(build, self.directory / _SOURCE)
        if status != 0:
            raise Ended(BuildOutcome.PACKAGEFAIL, f"dpkg-buildpackage ended with status {status}.")

    def _collect(self) -> dict[str, str]:
        """Move the `.changes` and every file that it names to the results; names to SHA-1."""
        found = [path.name for path in self.directory.glob("*.changes")]
        if len(found) != 1:
            raise Ended(BuildOutcome.PACKAGEFAIL, f"There is not one .changes, but {found}.")
        with (self.directory / found[0]).open("rb") as changes:
            listed = [entry["name"] for entry in Changes(changes).get("Files", [])]
        names = dict.fromkeys([found[0], *listed])
        for name in names:
            path = self.directory / name
            if not is_file_name(name) or path.is_symlink() or not path.is_file():
                raise Ended(BuildOutcome.PACKAGEFAIL, f"The result {name!r} is not a plain file.")
        return {name: self._keep(self.directory / name) for name in names}

    def _keep(self, path: Path) -> str:
        with path.open("rb") as file:
            sha1 = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False))
        path.rename(self.results / sha1.hexdigest())
        return sha1.hexdigest()

    def _run(self, arguments: Sequence[str], cwd: Path) -> int:
        return self.log.run(arguments, cwd=cwd, env=self._environment, pass_fds=[self.lock])

    @property
    def _environment(self) -> dict[str, str]:
        """The same for every build, whoever started the daemon and where."""
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "DEB_BUILD_OPTIONS": "" if self.job.debug_symbols else "noautodbgsym",
        }


def main() -> None:
    """Run as a command by the daemon: WORKDIR NAME."""
    place, name = Workplace(Path(sys.argv[1])), sys.argv[2]
    lock = try_hold(place.build_lock)
    if lock is None:
        sys.exit("Another build holds the lock.")
    os.umask(0o022)
    job = Job.from_json(place.job.read_text())
    with contextlib.closing(BuildLog(place.log)) as log:
        log.say(f"Build {job.build_id} on the reference builder {name}, by dpkg.\n{UNCONFINED}")
        if job.build_url:
            log.say(job.build_url)
        ending = PackageBuild(job, place.build, place.results, log, lock.fileno()).run()
    sys.stdout.write(f"{ending.to_json()}\n")


if __name__ == "__main__":
    main()
