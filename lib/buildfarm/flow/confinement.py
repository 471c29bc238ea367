"""Layer 2: a child that may compute on what it has open, answer, and nothing else.

For a child that is about to read what strangers wrote. Should that text take the child over, then
it holds a process that can open no file, make none, connect to nobody, start, signal or trace no
process. Each layer does that for itself, so that a fault in one is not yet a hole:

- the user: a child of root becomes nobody, without groups and without any privilege;
- limits, which cannot be raised again: memory, computing, no writing, no more descriptors;
- Landlock: no file by its name, no port (where the kernel has it);
- a filter of system calls: those of `seccomp.COMPUTING`.

Tests: tests/functional/flow/test_confinement.py.
"""

import os
import resource
from contextlib import suppress

from buildfarm.flow.landlock import forbid_names
from buildfarm.flow.limits import ResourceLimits
from buildfarm.flow.seccomp import computing_only, restrict
from buildfarm.vocab.errors import ChildError

#: User and group without anything of their own, by custom of every system.
NOBODY = 65534


def prepare() -> None:
    """Make what `confine` needs, once for all children of a fork server.

    Where that cannot be made, each child says why.
    """
    with suppress(ChildError):
        computing_only()


def confine(limits: ResourceLimits) -> None:
    """Confine this process for the rest of its life.

    What it needs must be open and imported. Raises OSError and ChildError where a layer cannot be
    put on; the process must then not go on.
    """
    program = computing_only()
    leave_root()
    limits.impose()
    forbid_names()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    restrict(program)


def leave_root() -> None:
    """Become nobody, if this is root."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
