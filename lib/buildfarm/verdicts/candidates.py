"""Which builder may take which build, and why another may not.

The rules are DESIGN section 7's ("Fits") and Launchpad's: a builder's open resources are offered to
every build, its restricted ones are kept for builds that ask for all of them.

Layer 1, pure. Tests: tests/unit/verdicts/test_candidates.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from buildfarm.vocab.build import Requirement
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.states import CleanStatus
from buildfarm.vocab.text import one_line


def fits(builder: BuilderSnapshot, requirement: Requirement) -> bool:
    """Whether `builder` is of the kind that `requirement` asks for, whatever it is doing now.

    The scheduler asks this for every distinct requirement of the queue, so it builds no sentence;
    a test holds it to the same answers as `mismatch`.
    """
    needed = requirement.resources
    return (
        requirement.processor in builder.processors
        and requirement.virtualized == builder.virtualized
        and all(
            name in builder.open_resources or name in builder.restricted_resources
            for name in needed
        )
        and all(name in needed for name in builder.restricted_resources)
    )


def kind_of(builder: BuilderSnapshot) -> tuple[object, ...]:
    """All that `fits` looks at: builders of one kind fit the same requirements."""
    return (
        builder.processors,
        builder.virtualized,
        builder.open_resources,
        builder.restricted_resources,
    )


class Rule(Enum):
    """What can keep a builder from taking a build, in the order in which it is asked.

    An operator is told the first one only: what takes the longest to change comes first. `QUEUE`
    is the last: the builder would take the build if others were not in front of it. `FAILING` is
    not of what the database knows: `explaining.why` hears of it from the running scanners.
    """

    INACTIVE = "inactive"
    DISABLED = "disabled"
    MANUAL = "manual"
    ARCHITECTURE = "architecture"
    VIRTUALIZATION = "virtualization"
    MISSING_RESOURCE = "missing resource"
    RESERVED_RESOURCE = "reserved resource"
    BUSY = "busy"
    FAILING = "failing"
    CLEANING = "cleaning"
    DIRTY = "dirty"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The rule that keeps one builder from one build, and the sentence that says so."""

    rule: Rule
    sentence: str


def mismatch(
    builder: BuilderSnapshot, requirement: Requirement, working_on: str | None = None
) -> Mismatch | None:
    """The first rule that keeps `builder` from taking a build with `requirement`, or None.

    `working_on` names the build that it runs now, as text; None where it runs none. None says
    that it could start at once; then only the queue's order (`Rule.QUEUE`) can stand between.
    """
    for rule, complaint in _COMPLAINTS:
        found = complaint(builder, requirement, working_on)
        if found is not None:
            return Mismatch(rule, f"{builder.name} {found}.")
    return None


def _inactive(builder: BuilderSnapshot, _: Requirement, __: str | None) -> str | None:
    return None if builder.active else "was removed from the farm"


def _disabled(builder: BuilderSnapshot, _: Requirement, __: str | None) -> str | None:
    if builder.builderok:
        return None
    notes = one_line(builder.failnotes or "").rstrip(".")
    return f"is disabled: {notes}" if notes else "is disabled, without a note that says why"


def _manual(builder: BuilderSnapshot, _: Requirement, __: str | None) -> str | None:
    return "is manual: nothing is dispatched to it by itself" if builder.manual else None


def _architecture(builder: BuilderSnapshot, requirement: Requirement, _: str | None) -> str | None:
    if requirement.processor in builder.processors:
        return None
    return f"builds for {_listed(builder.processors)}, not for {requirement.processor}"


def _virtualization(
    builder: BuilderSnapshot, requirement: Requirement, _: str | None
) -> str | None:
    if builder.virtualized == requirement.virtualized:
        return None
    if requirement.virtualized:
        return "is not virtual, and this build must run on a virtual builder"
    return "is virtual, and this build must run on a builder that is not"


def _missing_resource(
    builder: BuilderSnapshot, requirement: Requirement, _: str | None
) -> str | None:
    offered = {*builder.open_resources, *builder.restricted_resources}
    missing = [name for name in requirement.resources if name not in offered]
    return f"does not offer {_listed(missing)}" if missing else None


def _reserved_resource(
    builder: BuilderSnapshot, requirement: Requirement, _: str | None
) -> str | None:
    unasked = [name for name in builder.restricted_resources if name not in requirement.resources]
    return f"is kept for builds that ask for {_listed(unasked)}" if unasked else None


def _busy(_: BuilderSnapshot, __: Requirement, working_on: str | None) -> str | None:
    return None if working_on is None else f"is building {one_line(working_on)}"


def _cleaning(builder: BuilderSnapshot, _: Requirement, __: str | None) -> str | None:
    return "is being reset" if builder.clean_status is CleanStatus.CLEANING else None


def _dirty(builder: BuilderSnapshot, _: Requirement, __: str | None) -> str | None:
    return "must be cleaned first" if builder.clean_status is CleanStatus.DIRTY else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"


_Complaint = Callable[[BuilderSnapshot, Requirement, str | None], str | None]

_COMPLAINTS: tuple[tuple[Rule, _Complaint], ...] = (
    (Rule.INACTIVE, _inactive),
    (Rule.DISABLED, _disabled),
    (Rule.MANUAL, _manual),
    (Rule.ARCHITECTURE, _architecture),
    (Rule.VIRTUALIZATION, _virtualization),
    (Rule.MISSING_RESOURCE, _missing_resource),
    (Rule.RESERVED_RESOURCE, _reserved_resource),
    # A builder that builds is DIRTY since its claim, so what it does comes before how it is.
    (Rule.BUSY, _busy),
    (Rule.CLEANING, _cleaning),
    (Rule.DIRTY, _dirty),
)
