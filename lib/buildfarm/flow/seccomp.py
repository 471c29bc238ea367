"""Layer 2: which system calls a process may still make.

The filter is made by libseccomp, which knows the numbers of calls on every architecture and is on
each Debian since systemd and apt need it; the kernel takes it from there. There is no way back.

Tests: tests/functional/flow/test_confinement.py.
"""

import ctypes
import errno
import mmap
import os
import termios
from collections.abc import Iterable
from functools import cache
from typing import Any

from buildfarm.vocab.errors import ChildError

_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM  # the call fails, and the process may say so
_MASKED_EQUAL = 7
_FIONBIO = getattr(termios, "FIONBIO", 0x5421)

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

#: Bytes of one instruction of a filter.
_INSTRUCTION = 8

#: What computing on open files, answering, and ending take. Nothing here names a file, a process
#: or an address.
COMPUTING = (
    *("read", "pread64", "readv", "lseek", "write", "sendto", "recvfrom", "close"),
    *("brk", "munmap", "mremap", "madvise", "futex", "sched_yield", "getrandom"),
    *("rt_sigreturn", "rt_sigprocmask", "sigaltstack", "restart_syscall"),
    *("clock_gettime", "gettimeofday", "time", "getrusage", "getpid", "gettid"),
    *("exit", "exit_group"),
)


class _Condition(ctypes.Structure):
    """`struct scmp_arg_cmp`: a condition on one argument of a call."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operation", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


#: Calls that are allowed when (argument number, mask, masked value) fits: memory that is never
#: executed, and a socket made to wait or not.
_CONDITIONAL = (
    ("mmap", (2, mmap.PROT_EXEC, 0)),
    ("mprotect", (2, mmap.PROT_EXEC, 0)),
    ("ioctl", (1, 0xFFFFFFFF, _FIONBIO)),
)


class _Program(ctypes.Structure):
    """`struct sock_fprog`: a filter as the kernel takes it."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


@cache
def computing_only() -> bytes:
    """The filter that lets a process compute and answer, in the kernel's own form.

    Making it takes longer than a fork, so a fork server makes it once, for all of its children.
    Raises ChildError where libseccomp is missing.
    """
    library = _library()
    context = library.seccomp_init(_REFUSE)
    if not context:
        raise ChildError("libseccomp could not begin a filter.")
    try:
        _allow(library, context, ((name, None) for name in COMPUTING))
        _allow(library, context, _CONDITIONAL)
        return _exported(library, context)
    finally:
        library.seccomp_release(context)


def restrict(program: bytes) -> None:
    """Have every system call of this process, from now on, pass `program`."""
    libc = ctypes.CDLL(None, use_errno=True)
    filter_ = _Program(len(program) // _INSTRUCTION, program)
    for arguments in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filter_), 0, 0),
    ):
        if libc.prctl(*arguments) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"system calls cannot be filtered: {os.strerror(number)}")


def _library() -> Any:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError as error:
        raise ChildError(
            "Results cannot be checked safely: libseccomp is missing; install libseccomp2."
        ) from error
    library.seccomp_init.restype = ctypes.c_void_p
    for name in ("seccomp_release", "seccomp_rule_add_array", "seccomp_export_bpf"):
        function = getattr(library, name)
        function.argtypes = [ctypes.c_void_p]
    return library


def _allow(library: Any, context: int, calls: Iterable[tuple[str, Any]]) -> None:
    for name, condition in calls:
        number = library.seccomp_syscall_resolve_name(name.encode())
        conditions = (_Condition * 1)()
        if condition is not None:
            argument, mask, value = condition
            conditions[0] = _Condition(argument, _MASKED_EQUAL, mask, value)
        count = 0 if condition is None else 1
        answer = library.seccomp_rule_add_array(
            context, ctypes.c_uint32(_ALLOW), number, ctypes.c_uint(count), conditions
        )
        # A call that this architecture does not have cannot be made either.
        if answer not in (0, -errno.EDOM, -errno.EINVAL):
            raise ChildError(f"libseccomp refused the rule for {name}: {os.strerror(-answer)}.")


def _exported(library: Any, context: int) -> bytes:
    with os.fdopen(os.memfd_create("filter"), "r+b") as file:
        if library.seccomp_export_bpf(context, file.fileno()) != 0:
            raise ChildError("libseccomp could not write its filter.")
        file.seek(0)
        return file.read()
