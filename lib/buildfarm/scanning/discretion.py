"""What of a builder's failures everybody may read, while it has something private.

A builder's notes and its present trouble are on pages for everybody. What it says of a private
build may name its package and its files; the build's own events, which only those see who may, and
the manager's log have it in full.

Layer 4. Tests: tests/unit/scanning/test_discretion.py.
"""

from dataclasses import replace

from buildfarm.scanning.job import Job
from buildfarm.vocab.errors import BuilderTimedOut, BuilderUnreachable, ResetFailed
from buildfarm.vocab.settlement import Settlement

#: What stands in the place of words that may name something private.
HIDDEN = "it failed at something private, of which the manager's log has more"

#: Failures in whose words there is nothing of the build: of the network, and of resets.
_NAMELESS = (BuilderTimedOut, BuilderUnreachable, ResetFailed)


def is_private(job: Job | None) -> bool:
    """Whether the builder holds a private build."""
    return job is not None and job.order.private


def hides(job: Job | None, error: Exception) -> bool:
    """Whether the words of `error` may name something private."""
    return is_private(job) and not isinstance(error, _NAMELESS)


def without_names(settlement: Settlement) -> Settlement:
    """The same verdict, with notes at the builder that name nothing."""
    builder = settlement.builder
    if builder is None or builder.failnotes is None:
        return settlement
    notes = f"{HIDDEN} (consecutive failures: builder {builder.failure_count})"
    return replace(settlement, builder=replace(builder, failnotes=notes))
