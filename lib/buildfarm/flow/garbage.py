"""Layer 2: the interpreter's collector of cycles, told that this process lives long.

Left as it is, it looks at every object of the process whenever there are a quarter more than
before, and at the young ones whenever there are 700 more. While two thousand builders are taken
up after a restart that was a quarter of all the CPU, and each look stops the reactor: one at all
objects of a farm of a thousand builders for 60 to 160 ms.

Tests: tests/unit/flow/test_garbage.py.
"""

import gc

#: New objects before the young are looked at, and how many such looks before the next older ones.
#: Cycles are few here: what ends is freed by its count of references, without the collector. But
#: Twisted leaves one behind of each connection, which is a few kilobytes for each build.
THRESHOLDS = (10_000, 10, 10)


def expect_long_life() -> None:
    """Look at new objects seldom, and never again at what is there now; for entry points only.

    To be called when everything is imported, and again when everything is started: what was there
    then and becomes garbage later is never collected.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
