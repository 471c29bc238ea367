"""Layer 2: a process that may reach no file by its name any more, and no port.

Landlock is asked for by numbers, since no C library wraps it. Files that are open stay open.

Tests: tests/functional/flow/test_confinement.py.
"""

import ctypes
import errno
import os

# The same on every architecture: the table of system calls is common since number 424.
_CREATE_RULESET = 444
_RESTRICT_SELF = 446
_VERSION = 1

_PR_SET_NO_NEW_PRIVS = 38

#: Rights on files (execute, write, read, list, remove, make, refer, truncate, ioctl), on the
#: network (bind, connect) and across the border (abstract sockets, signals), by the version of
#: Landlock that knows them first.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_NETWORK_RIGHTS = {4: 0b11}
_SCOPES = {6: 0b11}
_RIGHTS = (_FILE_RIGHTS, _NETWORK_RIGHTS, _SCOPES)

# A kernel without Landlock, one that was started without it, or a sandbox around us that does not
# let it be asked for.
_ABSENT = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})


class _Ruleset(ctypes.Structure):
    """`struct landlock_ruleset_attr`: what is forbidden but for rules, of which we make none."""

    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


def forbid_names() -> bool:
    """Have this process open, make, rename and remove nothing by a name, and bind and connect to
    no TCP port; False where the kernel has no Landlock.

    There is no way back. Raises OSError where the kernel has it and refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if version < 0 and ctypes.get_errno() in _ABSENT:
        return False
    ruleset = _Ruleset(*(_known(rights, version) for rights in _RIGHTS))
    # An older kernel is told of no more than it knows.
    size = 8 * (1 + (version >= min(_NETWORK_RIGHTS)) + (version >= min(_SCOPES)))
    descriptor = _done(libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), size, 0))
    try:
        _done(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _done(libc.syscall(_RESTRICT_SELF, descriptor, 0))
    finally:
        os.close(descriptor)
    return True


def _known(rights: dict[int, int], version: int) -> int:
    return sum(bits for since, bits in rights.items() if since <= version)


def _done(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"names of files cannot be forbidden: {os.strerror(number)}")
    return answer
