"""Why a build waits, what it is doing, or what became of it: the answer of `build why`.

Layer 4. `explain` is pure; `fetch_why` reads what it needs in one transaction, so that the answer
is of one moment. Tests: tests/unit/explaining/test_why.py.

For a waiting build every builder is told with the first rule that keeps it from taking the build
(`verdicts.candidates` has the rules and their order), since an operator wants to know what to
change; for a build that has ended, its attempts and their verdicts are the story.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from buildfarm.explaining.facts import Facts, facts_of, told_to
from buildfarm.explaining.forecast import spoken, start_in
from buildfarm.explaining.history import story
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts.candidates import Mismatch, Rule, fits, mismatch
from buildfarm.vocab.build import (
    Holding,
    QueueEntry,
    Requirement,
)
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.states import BuildState
from buildfarm.vocab.statewords import ENDED
from buildfarm.vocab.text import one_line

#: Rules that pass by themselves: about what a builder is doing, not about what it is.
_PASSING = frozenset({Rule.BUSY, Rule.CLEANING, Rule.DIRTY, Rule.QUEUE})

_NO_TROUBLE: Mapping[int, str] = MappingProxyType({})

#: What is said where one of these rules is the best that any builder has to offer, best first.
_REMEDIES: Mapping[Rule, str] = {
    Rule.QUEUE: "Nothing needs to be done: it is dispatched when its turn comes.",
    **dict.fromkeys(
        (Rule.BUSY, Rule.CLEANING, Rule.DIRTY),
        "Nothing needs to be done: a builder that fits must become free.",
    ),
    Rule.FAILING: "See to the builders that fail; each is tried again by itself.",
}

#: What a build is doing that neither waits nor has ended.
_UNDER_WAY: Mapping[BuildState, str] = {
    BuildState.BUILDING: "It is being built",
    BuildState.GATHERING: "It has been built, and its results are being fetched",
    BuildState.UPLOADING: "It has been built, and its results are being published",
    BuildState.CANCELLING: "It is being cancelled",
}


@dataclass(frozen=True, slots=True)
class BuilderAnswer:
    """One builder, and the first rule that keeps it from taking the build."""

    builder: str
    rule: Rule
    sentence: str


@dataclass(frozen=True, slots=True)
class Why:
    """The whole answer.

    `summary` are sentences. `position` counts from 1 among the builds that the same builders could
    take; `estimated_start` is in seconds from now; both None where there is none. `builders` are
    those that could take it soonest first, for a waiting build only, and `remedy` is what would
    have to happen. `story` are the lines of `history.story`.
    """

    build_id: int
    title: str
    state: BuildState
    summary: tuple[str, ...]
    position: int | None
    estimated_start: float | None
    builders: tuple[BuilderAnswer, ...]
    remedy: str | None
    story: tuple[str, ...]


async def fetch_why(
    transactor: Transactor,
    build_id: int,
    pauses: Sequence[str],
    now: datetime,
    troubles: Mapping[int, str] = _NO_TROUBLE,
    *,
    seen: frozenset[str] | None = None,
) -> Why:
    """The answer for one build. `pauses` are what the running manager reports of the farm.

    `troubles` are what it reports of builders that fail at present, by id, as clauses. `seen` are
    the private archives that who asks may know of; None means all of them. Raises Refused where
    there is no such build, StorageError where the database cannot be read.
    """

    # A query: in a large farm the answer takes longer to make than the reactor may wait.
    def why(store: Any) -> Why:
        facts = told_to(seen, facts_of(store, build_id))
        return explain(facts, pauses, now, troubles, seen)

    return await transactor.read(why)


def explain(
    facts: Facts,
    pauses: Sequence[str],
    now: datetime,
    troubles: Mapping[int, str] = _NO_TROUBLE,
    seen: frozenset[str] | None = None,
) -> Why:
    """The answer that follows from `facts`; see `fetch_why`."""
    told = story(facts.attempts, facts.events)
    if facts.entry is None:
        # What pauses dispatch, a full disk, keeps results from being fetched as well.
        reported = _reported(pauses) if facts.build.state is BuildState.GATHERING else ()
        return _answer(facts, (*reported, *_told_of(facts)), told)
    builders = _builders(facts, facts.entry.requirement, troubles, seen)
    start = None if pauses else start_in(facts, now)
    return Why(
        build_id=facts.build.id,
        title=facts.build.title,
        state=facts.build.state,
        summary=_waiting(facts, facts.entry, builders, pauses, start),
        position=facts.position,
        estimated_start=start,
        builders=builders,
        remedy=_remedy(facts, facts.entry, builders, pauses),
        story=told,
    )


def _answer(facts: Facts, summary: tuple[str, ...], told: tuple[str, ...]) -> Why:
    """The answer for a build that does not wait."""
    build = facts.build
    return Why(build.id, build.title, build.state, summary, None, None, (), None, told)


def _reported(pauses: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"The farm reports: {pause.rstrip('.')}." for pause in pauses)


# A build that waits.


def _builders(
    facts: Facts,
    requirement: Requirement,
    troubles: Mapping[int, str],
    seen: frozenset[str] | None,
) -> tuple[BuilderAnswer, ...]:
    answers = []
    for builder in facts.builders:
        job = _job(facts.held.get(builder.id), seen)
        found = mismatch(builder, requirement, job) or _queued(builder, facts)
        if found.rule in _PASSING and builder.id in troubles:
            trouble = one_line(troubles[builder.id]).rstrip(".")
            found = Mismatch(Rule.FAILING, f"{builder.name} {trouble}.")
        answers.append(BuilderAnswer(builder.name, found.rule, found.sentence))
    order_of = {rule: place for place, rule in enumerate(Rule)}
    return tuple(sorted(answers, key=lambda one: (-order_of[one.rule], one.builder)))


def _job(held: Holding | None, seen: frozenset[str] | None) -> str | None:
    """What a builder has in hand, as far as it may be told."""
    if held is None:
        return None
    if held.private and seen is not None and held.archive not in seen:
        return "something private"
    return f"build {held.build_id} ({held.title})"


def _queued(builder: BuilderSnapshot, facts: Facts) -> Mismatch:
    """What is told of a builder that could start at once."""
    if facts.position is None:
        words = "could take it, but it may not start yet"
    elif facts.position == 1:
        words = "is free and takes it next"
    else:
        ahead = facts.position - 1
        words = f"could take it, but {ahead} build{'s go' if ahead > 1 else ' goes'} first"
    return Mismatch(Rule.QUEUE, f"{builder.name} {words}.")


def _waiting(
    facts: Facts,
    entry: QueueEntry,
    builders: Sequence[BuilderAnswer],
    pauses: Sequence[str],
    start: float | None,
) -> tuple[str, ...]:
    sentences = [*_reported(pauses)]
    if entry.not_before is not None:
        since = "" if facts.build.reason is None else f": {facts.build.reason.rstrip('.')}"
        sentences.append(f"It may not start before {entry.not_before:%H:%M:%S} UTC{since}.")
    elif facts.position is not None:
        sentences.append(f"It waits, at position {facts.position} of the builds of its kind.")
    able = sum(one.rule in _PASSING for one in builders)
    busy = sum(one.rule is Rule.BUSY for one in builders)
    also = f", {busy} of them busy" if busy else ""
    sentences.append(f"Builders that could take it: {able} of {len(builders)}{also}.")
    if start is not None:
        sentences.append(f"It will probably start {spoken(start)}.")
    return tuple(sentences)


def _remedy(
    facts: Facts,
    entry: QueueEntry,
    builders: Sequence[BuilderAnswer],
    pauses: Sequence[str],
) -> str:
    """What would have to happen for the build to start."""
    if pauses:
        return "What the farm reports must end; then builds are dispatched by themselves."
    rules = {one.rule for one in builders}
    if entry.not_before is not None and rules & _PASSING:
        return "Nothing needs to be done: its delay passes by itself."
    for rule, remedy in _REMEDIES.items():
        if rule in rules:
            return remedy
    wanted = _wanted(entry.requirement)
    out = ", ".join(one.name for one in facts.builders if fits(one, entry.requirement))
    if out:
        back = "Put one of these back to use (`builder set NAME --ok --auto`)"
        return f"{back}: {out}; or add {wanted}."
    return f"Add {wanted}: no builder of this farm will ever take it."


def _wanted(requirement: Requirement) -> str:
    kind = "a virtual builder" if requirement.virtualized else "a non-virtual builder"
    offers = f" that offers {', '.join(requirement.resources)}" if requirement.resources else ""
    return f"{kind} for {requirement.processor}{offers}"


# A build that does not wait.


def _told_of(facts: Facts) -> tuple[str, ...]:
    build, attempts = facts.build, facts.attempts
    under_way = _UNDER_WAY.get(build.state)
    if under_way is None:
        reason = "" if build.reason is None else f": {one_line(build.reason).rstrip('.')}"
        return (f"{ENDED[build.state]}{reason}.", *_missing(facts))
    if not attempts:
        return (f"{under_way}.",)
    latest = attempts[-1]
    where = f"{under_way}: attempt {latest.number}, on {latest.builder_name}."
    if latest.last_error is None:
        return (where,)
    again = (
        "" if latest.next_try is None else f"; the next try is at {latest.next_try:%H:%M:%S} UTC"
    )
    error = one_line(latest.last_error).rstrip(".")
    return (where, f"Tries to publish it that failed: {latest.tries}, the last: {error}{again}.")


def _missing(facts: Facts) -> tuple[str, ...]:
    build, looked = facts.build, facts.dep_wait
    if build.dependencies is None:
        return ()
    awaited = f"Once {one_line(build.dependencies)} can be installed, it is retried by itself"
    if looked is None or looked.dependencies != build.dependencies:
        return (f"{awaited}; nobody has looked for that yet.",)
    found = f"{looked.checked:%Y-%m-%d %H:%M:%S} UTC. {one_line(looked.finding)}"
    if not looked.tries:
        return (f"{awaited}; last looked for at {found}",)
    again = "; when it still comes back for that, retry it by hand"
    return (f"{awaited}, as it was {looked.tries} times{again}. Last looked for at {found}",)
