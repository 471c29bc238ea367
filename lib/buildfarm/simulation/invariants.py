"""What must be true of every run, whatever went wrong in it.

Beside the layers. Tests: tests/unit/simulation, which show that each statement can fail.

Every statement is a function that takes a story and yields what in it is against the statement. All
are pure. What the manager says of itself in its events is held against what it did not write: the
daemons' ledger and the archives'.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from buildfarm.simulation.chronicle import out_of_order, sharing
from buildfarm.simulation.machines import Run
from buildfarm.simulation.story import Story
from buildfarm.vocab.build import AttemptSnapshot
from buildfarm.vocab.cookie import Cookie
from buildfarm.vocab.states import AttemptOutcome, AttemptState, BuildOutcome, BuildState


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is against a statement, of which build and which builder."""

    words: str
    build: int | None = None
    builder: str | None = None


Statement = Callable[[Story], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class Violation:
    """A statement that does not hold in a run, and what shows it."""

    statement: str
    found: Found

    def __str__(self) -> str:
        return f"{self.statement} But {self.found.words}."


def violations(story: Story) -> list[Violation]:
    """What in `story` is against any of the statements."""
    return [
        Violation(words, found)
        for words, statement in STATEMENTS.items()
        for found in statement(story)
    ]


def _everything_ends(story: Story) -> Iterator[Found]:
    for attempt in story.attempts:
        if attempt.state is not AttemptState.CLOSED:
            words = f"attempt {attempt.cookie} on {attempt.builder_name} is {attempt.state.value}"
            yield Found(words, attempt.build_id, attempt.builder_name)
    for build in story.builds:
        if build.state in UNENDED:
            yield Found(f"build {build.id} is {build.state.value}", build.id)
        elif build.id in story.waiting:
            yield Found(f"build {build.id} is {build.state.value} and in the queue", build.id)


#: States that do not last.
UNENDED = frozenset(
    {
        BuildState.NEEDSBUILD,
        BuildState.BUILDING,
        BuildState.GATHERING,
        BuildState.UPLOADING,
        BuildState.CANCELLING,
    }
)


def _nothing_is_shared(story: Story) -> Iterator[Found]:
    for words, build, builder in sharing(story.events):
        yield Found(words, build, builder)


def _events_follow(story: Story) -> Iterator[Found]:
    for words, build, builder in out_of_order(story):
        yield Found(words, build, builder)


def _published_once(story: Story) -> Iterator[Found]:
    deliveries = [(delivery, name) for name, some in story.deliveries.items() for delivery in some]
    times = Counter(_build_of(delivery.cookie) for delivery, _ in deliveries)
    for build_id, count in sorted(times.items()):
        if count > 1:
            yield Found(f"the results of build {build_id} were published {count} times", build_id)
    for delivery, name in deliveries:
        attempt = story.attempts_by_cookie[delivery.cookie]
        build = attempt.build_id
        if attempt.outcome is not AttemptOutcome.PUBLISHED:
            words = f"{name} has {delivery.cookie}, whose outcome is {attempt.outcome}"
            yield Found(words, build, attempt.builder_name)
        if {file.name: file.sha256 for file in attempt.files} != dict(delivery.files):
            yield Found(f"{name} has other files of {delivery.cookie} than were gathered", build)
        run = story.runs_by_cookie.get(delivery.cookie)
        if run is not None and run.results != dict(delivery.files):
            yield Found(f"{name} has other files of {delivery.cookie} than were built", build)
    for build_ in story.builds:
        if (build_.state is BuildState.FULLYBUILT) != (build_.id in times):
            there = "in" if build_.id in times else "not in"
            words = f"build {build_.id} is {build_.state.value} and {there} its archive"
            yield Found(words, build_.id)


def _build_of(cookie: str) -> int:
    parsed = Cookie.parse(cookie)
    assert parsed is not None, "archives get what the manager calls so"
    return parsed.build_id


def _restarts_cost_nothing(story: Story) -> Iterator[Found]:
    for run in story.runs:
        attempt = story.attempts_by_cookie.get(run.cookie)
        if attempt is None or _heard(run, attempt) or _given_up(attempt):
            continue
        over = run.ends if run.forgotten is None else run.forgotten[0]
        if story.excuses(run.builder, run.began - 60.0, over):
            continue
        yield Found(
            f"{run.cookie} ran on {run.builder}, which nothing befell, and was not gathered: "
            f"{run.cut_short or 'it came to its end'}; {attempt.reason}",
            attempt.build_id,
            run.builder,
        )


#: How attempts end that people did not want any more.
_UNWANTED = frozenset({AttemptOutcome.CANCELLED, AttemptOutcome.SUPERSEDED})

#: What becomes of an attempt whose builder was heard out.
_HEARD: Mapping[BuildOutcome, AttemptOutcome] = {
    BuildOutcome.PACKAGEFAIL: AttemptOutcome.PACKAGE_FAILED,
    BuildOutcome.DEPFAIL: AttemptOutcome.DEPENDENCY_MISSING,
    BuildOutcome.CHROOTFAIL: AttemptOutcome.CHROOT_BROKEN,
    BuildOutcome.GIVENBACK: AttemptOutcome.GIVEN_BACK,
}


def _heard(run: Run, attempt: AttemptSnapshot) -> bool:
    """Whether the end of a run has come to the manager: as results, or as how it failed."""
    if run.outcome is BuildOutcome.OK:
        return attempt.gathered is not None
    return attempt.outcome is _HEARD[run.outcome]


def _given_up(attempt: AttemptSnapshot) -> bool:
    """Whether people gave the attempt up, or the builder that it was on."""
    return attempt.outcome in _UNWANTED or "removed" in (attempt.reason or "")


def _only_the_guilty_are_blamed(story: Story) -> Iterator[Found]:
    for entry in story.entries:
        name, _, what = entry.text.partition(" ")
        if entry.subject == "people" and what == "is repaired" and not story.ever_faulty(name):
            yield Found(f"{name}, which nothing befell, was taken out", None, name)
    for build in story.builds:
        attempts = story.attempts_by_build[build.id]
        if build.state not in _FAILED or not attempts:
            continue
        runs = [story.runs_by_cookie.get(attempt.cookie) for attempt in attempts]
        if any(story.ever_faulty(attempt.builder_name) for attempt in attempts):
            continue
        if not any(run and run.outcome in _FAILED[build.state] for run in runs):
            words = f"build {build.id} is {build.state.value} and no builder said so: "
            yield Found(f"{words}{build.reason}", build.id, attempts[-1].builder_name)


#: How builds fail, and what a builder that tells the truth must have said.
_FAILED: Mapping[BuildState, frozenset[BuildOutcome]] = {
    BuildState.FAILEDTOBUILD: frozenset({BuildOutcome.PACKAGEFAIL, BuildOutcome.GIVENBACK}),
    BuildState.MANUALDEPWAIT: frozenset({BuildOutcome.DEPFAIL}),
    BuildState.CHROOTWAIT: frozenset({BuildOutcome.CHROOTFAIL}),
    BuildState.FAILEDTOUPLOAD: frozenset(),
}


def _what_ran_is_what_is_told(story: Story) -> Iterator[Found]:
    for run in story.runs:
        attempt = story.attempts_by_cookie.get(run.cookie)
        if attempt is None or attempt.gathered is None:
            continue
        if run.outcome is not BuildOutcome.OK or run.cut_short is not None:
            words = f"{run.cookie} was gathered and had {_told(run)}"
            yield Found(words, attempt.build_id, run.builder)


def _told(run: Run) -> str:
    return run.cut_short or run.outcome.name


def _no_mistakes(story: Story) -> Iterator[Found]:
    for mistake in story.mistakes:
        yield Found(f"it logged: {mistake}")


STATEMENTS: Mapping[str, Statement] = {
    "Every build ends, and leaves no attempt open and no queue entry.": _everything_ends,
    "P3: no build has two open attempts, no builder two builds, and only what is on its builder is "
    "gathered.": _nothing_is_shared,
    "Every event follows from the one before it.": _events_follow,
    "P4: results are published exactly once, and they are what was built.": _published_once,
    "P5: what runs undisturbed is gathered, whatever becomes of the manager.": (
        _restarts_cost_nothing
    ),
    "Nobody is blamed for what somebody else did.": _only_the_guilty_are_blamed,
    "Only what was really built is gathered.": _what_ran_is_what_is_told,
    "What goes wrong is told in the manager's own errors.": _no_mistakes,
}
