"""Layer 2: what a child process may use.

Tests: tests/functional/flow/test_forks.py.
"""

import resource
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLimits:
    """Limits of one process, each None for no limit of its own.

    `memory` is address space in bytes, `cpu` is in seconds, `file_size` in bytes for each file
    that it writes, `open_files` a number of descriptors. At the limit of `cpu` the process is
    ended by SIGXCPU, which tells this from being killed.
    """

    memory: int | None = None
    cpu: int | None = None
    file_size: int | None = None
    open_files: int | None = None

    def apply(self) -> None:
        """Set these limits for the present process for good; core dumps are off."""
        limits = (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_AS, self.memory),
            (resource.RLIMIT_CPU, self.cpu),
            (resource.RLIMIT_FSIZE, self.file_size),
            (resource.RLIMIT_NOFILE, self.open_files),
        )
        for kind, limit in limits:
            if limit is not None:
                # At the hard limit of CPU time the kernel sends SIGKILL, and looks at it first.
                hard = limit + 1 if kind == resource.RLIMIT_CPU else limit
                resource.setrlimit(kind, (limit, hard))
