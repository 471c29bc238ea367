"""Where the daemon and the process that builds have their files.

Beside the layers.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Workplace:
    """The layout of a daemon's working directory `root`."""

    root: Path

    @property
    def daemon_lock(self) -> Path:
        """Held by the running daemon: a directory has one."""
        return self.root / "daemon.lock"

    @property
    def build_lock(self) -> Path:
        """Held by whatever a build has started and that still lives."""
        return self.root / "build.lock"

    @property
    def job(self) -> Path:
        """The job that is built, as JSON."""
        return self.root / "job.json"

    @property
    def build(self) -> Path:
        """Where it is built; removed afterwards."""
        return self.root / "build"

    @property
    def inputs(self) -> Path:
        """Files by SHA-1 that builds need."""
        return self.root / "inputs"

    @property
    def incoming(self) -> Path:
        """Inputs that are being downloaded."""
        return self.root / "incoming"

    @property
    def results(self) -> Path:
        """Files by SHA-1 that the build has produced."""
        return self.root / "results"

    @property
    def log(self) -> Path:
        """The log of the build."""
        return self.root / "buildlog"
