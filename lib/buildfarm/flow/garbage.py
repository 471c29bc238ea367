"""Layer 2: the interpreter's collector of cycles, told that this process lives long.

Left as it is, it looks at every object of the process whenever there are a quarter more than
before, and at the young ones whenever there are 700 more. While two thousand builders are taken
up after a restart that was a quarter of all the CPU, and each look stops the reactor.

Tests: tests/unit/flow/test_garbage.py.
"""

import gc

#: New objects before the young are looked at, and how many such looks before the next older ones.
#: Cycles are few here: what ends is freed by its count of references, without the collector.
THRESHOLDS = (10_000, 20, 100)


def expect_long_life() -> None:
    """Look at new objects seldom, and never again at what is there now; for entry points only.

    To be called once, when everything is imported: what is garbage by then is never collected.
    """
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
