"""What holds for every test: how hypothesis looks for examples, and what is closed in the end."""

import os

from hypothesis import settings
from twisted.internet import tcp

# The same examples every time, so that a red test stays red; no verdict depends on a clock.
settings.register_profile("farm", deadline=None, derandomize=True, database=None)

# `make fuzz`: others every time, as many as are asked for.
settings.register_profile(
    "fuzz", deadline=None, database=None, max_examples=int(os.environ.get("FUZZ_EXAMPLES", "5000"))
)

settings.load_profile("fuzz" if "FUZZ_EXAMPLES" in os.environ else "farm")


def pytest_unconfigure() -> None:
    """Close the file that Twisted holds in reserve once anything listens (EMFILE).

    Nobody else does, and the interpreter may say so when it ends.
    """
    reserved = tcp._reservedFD._fileDescriptor
    if reserved is not None:
        reserved.close()
