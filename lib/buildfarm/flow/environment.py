"""Layer 2: what children learn of the manager's environment.

Secrets come to services in environment variables; children get the few that programs need and
what their caller adds.

Tests: tests/unit/flow/test_environment.py.
"""

import os
from collections.abc import Mapping

#: Where things are and who we are; SSH_AUTH_SOCK for reset commands that reach hosts by ssh.
_PASSED_ON = ("HOME", "LOGNAME", "PATH", "SSH_AUTH_SOCK", "TMPDIR", "TZ", "USER")


def minimal_environment(
    additions: Mapping[str, str] | None = None, *, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """What of `environment` a child gets, with messages in plain English, and `additions`."""
    kept = {name: environment[name] for name in _PASSED_ON if name in environment}
    return {**kept, "LC_ALL": "C.UTF-8", **(additions or {})}
