"""Why a build waits, or what became of it: the answer of `build why`.

Layer 4. `explain` is pure; `facts_of` reads what it needs in one transaction, so that the answer
is of one moment. Tests: tests/unit/explaining/test_why.py.

For a waiting build every builder is told with the first rule that keeps it from taking the build
(`verdicts.candidates` has the rules and their order), since an operator wants to know what to
change; for a build that has ended, its attempts and their verdicts are the story.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from buildfarm.storage import attempts, builds, events, orders, queue, roster
from buildfarm.verdicts.candidates import Mismatch, Rule, mismatch
from buildfarm.vocab.build import AttemptSnapshot, BuildSnapshot, EventSnapshot, QueueEntry
from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.states import BuildState, QueueState

#: Events of a build that its story tells.
_STORY = 200

#: Rules about what a builder is, and not about what it is doing at the moment.
_OF_KIND = frozenset(
    {
        Rule.INACTIVE,
        Rule.DISABLED,
        Rule.MANUAL,
        Rule.ARCHITECTURE,
        Rule.VIRTUALIZATION,
        Rule.MISSING_RESOURCE,
        Rule.RESERVED_RESOURCE,
    }
)

_WAITING = frozenset({BuildState.NEEDSBUILD})

#: What is true of a build that is neither waiting nor over.
_UNDER_WAY = {
    BuildState.BUILDING: "is being built",
    BuildState.GATHERING: "has been built, and its results are being fetched",
    BuildState.UPLOADING: "has been built, and its results are being published",
    BuildState.CANCELLING: "is being cancelled",
}


@dataclass(frozen=True, slots=True)
class BuilderAnswer:
    """One builder, and the first rule that keeps it from taking the build."""

    builder: str
    rule: Rule
    sentence: str


@dataclass(frozen=True, slots=True)
class Why:
    """The whole answer. `position` counts from 1; `summary` are sentences, the first the shortest.

    `remedy` says what would have to happen. `story` tells the attempts, oldest first.
    """

    build_id: int
    title: str
    state: BuildState
    summary: tuple[str, ...]
    position: int | None
    builders: tuple[BuilderAnswer, ...]
    remedy: str | None
    story: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the answer follows from, all of one moment. `busy`: what builders build, by their id."""

    build: BuildSnapshot
    entry: QueueEntry | None
    position: int | None
    builders: tuple[BuilderSnapshot, ...]
    busy: dict[int, str]
    attempts: tuple[AttemptSnapshot, ...]
    events: tuple[EventSnapshot, ...]


def facts_of(store: Any, build_id: int) -> Facts:
    """A query. Raises Refused where there is no such build."""
    held = orders.open_orders(store)
    return Facts(
        build=builds.build(store, build_id),
        entry=queue.queue_entry(store, build_id),
        position=queue.queue_position(store, build_id),
        builders=roster.builders(store),
        busy={
            builder_id: f"build {order.attempt.build_id} ({order.title})"
            for builder_id, order in held.items()
        },
        attempts=attempts.attempts_of(store, build_id),
        events=events.events_of_build(store, build_id, _STORY),
    )


def explain(facts: Facts, pauses: tuple[str, ...], now: datetime) -> Why:
    """The answer to `facts`; `pauses` are reasons for which nothing is dispatched at all."""
    waits = facts.build.state in _WAITING and facts.entry is not None
    builders = _answers(facts) if waits else ()
    return Why(
        build_id=facts.build.id,
        title=facts.build.title,
        state=facts.build.state,
        summary=_summary(facts, builders, pauses, now),
        position=facts.position,
        builders=builders,
        remedy=_remedy(facts, builders, pauses, now) if waits else None,
        story=_story(facts),
    )


def _answers(facts: Facts) -> tuple[BuilderAnswer, ...]:
    """Each builder's reason, those that will take the build soonest first."""
    entry = facts.entry
    assert entry is not None, "only a build in the queue waits"
    answers = []
    for builder in facts.builders:
        found = mismatch(builder, entry.requirement, facts.busy.get(builder.id))
        found = found or _behind(builder, facts.position)
        answers.append(BuilderAnswer(builder.name, found.rule, found.sentence))
    order = list(Rule)
    return tuple(sorted(answers, key=lambda one: (-order.index(one.rule), one.builder)))


def _behind(builder: BuilderSnapshot, position: int | None) -> Mismatch:
    if position is None:
        return Mismatch(Rule.QUEUE, f"{builder.name} could take it once it may be dispatched.")
    if position > 1:
        ahead = f"{position - 1} builds are" if position > 2 else "1 build is"
        return Mismatch(Rule.QUEUE, f"{builder.name} could take it, but {ahead} in front of it.")
    return Mismatch(Rule.QUEUE, f"{builder.name} is free and takes it with its next scan.")


def _summary(
    facts: Facts, builders: tuple[BuilderAnswer, ...], pauses: tuple[str, ...], now: datetime
) -> tuple[str, ...]:
    build = facts.build
    if build.state in _UNDER_WAY:
        return _under_way(facts)
    if build.state not in _WAITING or facts.entry is None:
        reason = f": {build.reason}" if build.reason else ""
        ended = [f"It is {build.state.value}{reason}"]
        if build.dependencies:
            ended.append(f"It waits for: {build.dependencies}")
        return tuple(ended)
    sentences = [f"Dispatch pauses: {pause}" for pause in pauses]
    delay = _delay(facts.entry, now)
    if delay:
        sentences.append(delay)
    elif facts.position is not None:
        sentences.append(f"It waits, at position {facts.position} of its kind in the queue.")
    rules = Counter(answer.rule for answer in builders)
    able = sum(count for rule, count in rules.items() if rule not in _OF_KIND)
    sentences.append(
        f"{able} of {len(builders)} builders could take it"
        + (f"; {rules[Rule.BUSY]} of them are busy." if rules[Rule.BUSY] else ".")
    )
    return tuple(sentences)


def _under_way(facts: Facts) -> tuple[str, ...]:
    sentence = f"It {_UNDER_WAY[facts.build.state]}"
    if not facts.attempts:
        return (f"{sentence}.",)
    latest = facts.attempts[-1]
    sentences = [f"{sentence}: attempt {latest.number}, on {latest.builder_name}."]
    if latest.last_error:
        again = "" if latest.next_try is None else f"; next at {latest.next_try:%H:%M:%S} UTC"
        sentences.append(
            f"{latest.tries} tries to publish it failed, the last one: {latest.last_error}{again}"
        )
    return tuple(sentences)


def _delay(entry: QueueEntry, now: datetime) -> str | None:
    if entry.state is not QueueState.SUSPENDED or entry.not_before is None:
        return None
    seconds = max(0.0, (entry.not_before - now).total_seconds())
    return (
        f"It failed on a builder and is tried again at {entry.not_before:%Y-%m-%d %H:%M:%S} UTC, "
        f"in {seconds:.0f} s."
    )


def _remedy(
    facts: Facts, builders: tuple[BuilderAnswer, ...], pauses: tuple[str, ...], now: datetime
) -> str:
    entry = facts.entry
    assert entry is not None, "only a build in the queue waits"
    if pauses:
        return "What pauses dispatch must end; then it goes on by itself."
    rules = {answer.rule for answer in builders}
    if rules - _OF_KIND:
        if _delay(entry, now):
            return "Nothing: its delay must pass."
        return "Nothing: a builder that fits must become free, or the builds before it must start."
    need = entry.requirement
    kind = "virtual" if need.virtualized else "non-virtual"
    resources = f" that offers {', '.join(need.resources)}" if need.resources else ""
    wanted = f"a {kind} builder for {need.processor}{resources}"
    mendable = [one for one in builders if one.rule in (Rule.DISABLED, Rule.MANUAL)]
    if mendable:
        names = ", ".join(one.builder for one in mendable)
        return f"Enable one of these that fits, or add {wanted}: {names}."
    return f"Add {wanted}: no builder of the farm will ever take it."


def _story(facts: Facts) -> tuple[str, ...]:
    """What happened, oldest first: the events, which are written with each transition."""
    lines = []
    for event in sorted(facts.events, key=lambda one: one.id):
        moved = f"{event.before} → {event.after}: " if event.after else ""
        attempt = f"attempt {event.attempt}: " if event.attempt else ""
        where = f" ({event.builder})" if event.builder else ""
        lines.append(f"{event.time:%Y-%m-%d %H:%M:%S} {attempt}{moved}{event.reason}{where}")
    return tuple(lines)
