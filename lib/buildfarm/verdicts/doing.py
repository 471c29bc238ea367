"""What a builder does, in one word, and since when.

Layer 1: pure. Tests: tests/unit/verdicts/test_doing.py.
"""

from datetime import datetime

from buildfarm.vocab.glance import Doing, GlancedBuilder
from buildfarm.vocab.states import BuildState, CleanStatus


def doing(builder: GlancedBuilder, trouble: str | None) -> Doing:
    """What `builder` does; `trouble` is what its scanner finds wrong with it, if anything."""
    if builder.job is not None:
        if not builder.builderok:
            return Doing.DISABLED
        if trouble is not None:
            return Doing.FAILING
        gathers = builder.job.state is BuildState.GATHERING
        return Doing.GATHERING if gathers else Doing.BUILDING
    if not builder.builderok:
        return Doing.DISABLED
    if builder.clean_status is not CleanStatus.CLEAN:
        return Doing.CLEANING if trouble is None else Doing.RESET_FAILING
    return Doing.IDLE if trouble is None else Doing.FAILING


def since(builder: GlancedBuilder) -> datetime | None:
    """Since when it does so; None where that is not known."""
    if not builder.builderok:
        return builder.out_since
    return builder.changed if builder.job is None else builder.job.since
