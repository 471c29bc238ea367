"""Layer 2: what a child process may use.

Tests: tests/functional/flow/test_childpool.py.
"""

import math
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLimits:
    """Limits of one process, each None for no limit of its own.

    `memory` is address space in bytes, `cpu` is in seconds, `file_size` in bytes for each file
    that it writes.
    """

    memory: int | None = None
    cpu: int | None = None
    file_size: int | None = None

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Keep the present process within these limits until the `with` ends; `cpu` is from now on.

        They hold what is greedy, not what breaks out: code of its own could lift them. Beyond
        `cpu` the process is ended by SIGXCPU.
        """
        limits = self._by_kind()
        if self.cpu is not None:
            limits[resource.RLIMIT_CPU] = self.cpu + math.ceil(time.process_time())
        before = {kind: resource.getrlimit(kind) for kind in limits}
        for kind, (_, hard) in before.items():
            resource.setrlimit(kind, (limits[kind], hard))
        try:
            yield
        finally:
            for kind, both in before.items():
                resource.setrlimit(kind, both)

    def _by_kind(self) -> dict[int, int]:
        limits = {
            resource.RLIMIT_AS: self.memory,
            resource.RLIMIT_CPU: self.cpu,
            resource.RLIMIT_FSIZE: self.file_size,
        }
        return {kind: limit for kind, limit in limits.items() if limit is not None}
