"""Layer 2: what a child process may use.

Tests: tests/functional/flow/test_confinement.py.
"""

import math
import resource
import time
from dataclasses import dataclass

#: Seconds of computing between SIGXCPU and SIGKILL, for a process that has the first one caught.
_LAST_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLimits:
    """Limits of one process: `memory` is address space in bytes, `cpu` seconds from now on.

    None is no limit of its own. Nothing may be written to files, started or dumped in any case.
    """

    memory: int | None = None
    cpu: int | None = None

    def impose(self) -> None:
        """Keep this process within these limits; only root could raise them again.

        Beyond `cpu` it is ended by SIGXCPU; beyond `memory` allocations fail.
        """
        for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_CORE):
            resource.setrlimit(kind, (0, 0))
        if self.memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (self.memory, self.memory))
        if self.cpu is not None:
            until = self.cpu + math.ceil(time.process_time())
            resource.setrlimit(resource.RLIMIT_CPU, (until, until + _LAST_SECONDS))
