"""What to do with a builder next: the table over all that we know and all that it may say.

Layer 1, pure. The scanner observes, `plan` decides, the scanner acts; nothing else decides.
Tests: tests/unit/verdicts/test_scanplan.py, which asserts that no combination is missing.

How the table is read. A builder that holds one of our jobs is judged by what it says of that job.
A builder that holds nothing is judged by its clean status: CLEAN must say IDLE, and everything
else must first be made clean, a virtual one by its reset command, whatever it says, and a real one
by abort, wait and clean until it answers IDLE twice, the second question sent after the first
answer. A `build` whose answer never came can begin after the first IDLE (observed: see
docs/decisions/010), so one IDLE proves nothing.
"""

from collections.abc import Mapping
from enum import Enum

from buildfarm.vocab.builder import BuilderSnapshot
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.states import AttemptState, CleanStatus, DaemonStatus, ResetProtocol


class Machine(Enum):
    """How a builder is made clean again."""

    REAL = "by abort, wait and clean"
    VIRTUAL_1_1 = "by a reset command that returns when it is clean"
    VIRTUAL_2_0 = "by a reset command whose end is reported later"


class Holding(Enum):
    """What we know to have given to this builder: the state of its open attempt."""

    NOTHING = "no open attempt"
    CLAIMED = "claimed for it, nothing sent yet"
    SENT = "sent, and we were restarted before its answer was recorded"
    CONFIRMED = "its own reply confirmed the build"
    CLAIMED_CANCELLING = "claimed, nothing sent, and a cancel was asked for"
    CANCELLING = "sent or confirmed, and a cancel was asked for"


class Said(Enum):
    """What the builder says, as far as it matters: its state, and whether the job is ours."""

    UNASKED = "nothing: it was not asked yet"
    IDLE = "IDLE"
    BUILDING_OURS = "BUILDING with our cookie"
    BUILDING_OTHER = "BUILDING with another cookie"
    WAITING_OURS = "WAITING with our cookie"
    WAITING_OTHER = "WAITING with another cookie"
    ABORTING_OURS = "ABORTING with our cookie"
    ABORTING_OTHER = "ABORTING with another cookie"


class Step(Enum):
    """One action of the scanner."""

    ASK = "ask the builder for its status first"
    REST = "leave it alone until there is a reason"
    SEEK = "claim the best waiting build for it"
    DISPATCH = "go on handing it the claimed build"
    WATCH = "keep the log tail and look again later"
    GATHER = "fetch log and results"
    LOSE = "the job is lost: queue it again, clean the builder"
    CANCEL = "close the cancelled job, clean the builder"
    ABORT = "tell the daemon to abort"
    AWAIT_ABORT = "wait for the abort to end, up to its deadline"
    CLEAN = "tell the daemon to forget its results"
    CONFIRM_IDLE = "ask once more; a second IDLE makes it CLEAN"
    RESET = "run the reset command"
    AWAIT_RESET = "wait for the report that it is clean, up to a deadline"
    BREACH = "it runs something while it should be clean: it is not to be trusted"


_OTHERS = (Said.BUILDING_OTHER, Said.WAITING_OTHER, Said.ABORTING_OTHER)
_NOT_IDLE = (Said.BUILDING_OURS, Said.WAITING_OURS, Said.ABORTING_OURS, *_OTHERS)

_LOST_IF_OTHER = dict.fromkeys(_OTHERS, Step.LOSE)

_HELD: Mapping[Holding, Mapping[Said, Step]] = {
    # The builder was CLEAN when it was claimed and was sent nothing: whatever runs is a stranger's.
    Holding.CLAIMED: {
        Said.UNASKED: Step.ASK,
        Said.IDLE: Step.DISPATCH,
        **dict.fromkeys(_NOT_IDLE, Step.BREACH),
    },
    # Claims happen on CLEAN builders only, so our cookie on it can only be from that one `build`:
    # the attempt is adopted. IDLE may still turn into BUILDING: never send it again.
    Holding.SENT: {
        Said.UNASKED: Step.ASK,
        Said.IDLE: Step.LOSE,
        Said.BUILDING_OURS: Step.WATCH,
        Said.WAITING_OURS: Step.GATHER,
        Said.ABORTING_OURS: Step.AWAIT_ABORT,
        **_LOST_IF_OTHER,
    },
    Holding.CONFIRMED: {
        Said.UNASKED: Step.ASK,
        Said.IDLE: Step.LOSE,
        Said.BUILDING_OURS: Step.WATCH,
        Said.WAITING_OURS: Step.GATHER,
        # Somebody aborted it behind our back: it ends as ABORTED, which is then judged.
        Said.ABORTING_OURS: Step.AWAIT_ABORT,
        **_LOST_IF_OTHER,
    },
    Holding.CLAIMED_CANCELLING: dict.fromkeys(Said, Step.CANCEL),
    Holding.CANCELLING: {
        Said.UNASKED: Step.ASK,
        Said.IDLE: Step.CANCEL,
        Said.BUILDING_OURS: Step.ABORT,
        # Its log is kept; an OK that was not gathered before the cancel is not used.
        Said.WAITING_OURS: Step.GATHER,
        Said.ABORTING_OURS: Step.AWAIT_ABORT,
        **dict.fromkeys(_OTHERS, Step.CANCEL),
    },
}

_CLEAN: Mapping[Said, Step] = {
    Said.UNASKED: Step.ASK,
    Said.IDLE: Step.SEEK,
    **dict.fromkeys(_NOT_IDLE, Step.BREACH),
}

_REAL_UNCLEAN: Mapping[Said, Step] = {
    Said.UNASKED: Step.ASK,
    Said.IDLE: Step.CONFIRM_IDLE,
    Said.BUILDING_OURS: Step.ABORT,
    Said.BUILDING_OTHER: Step.ABORT,
    Said.WAITING_OURS: Step.CLEAN,
    Said.WAITING_OTHER: Step.CLEAN,
    Said.ABORTING_OURS: Step.AWAIT_ABORT,
    Said.ABORTING_OTHER: Step.AWAIT_ABORT,
}

_RESET: Mapping[Said, Step] = dict.fromkeys(Said, Step.RESET)

#: What to do with a builder that holds nothing. A 1.1 builder found CLEANING was being reset by a
#: manager that is gone, so it is reset again; a real one cannot be CLEANING unless an operator
#: changed what it is, and is cleaned like a dirty one.
_FREE: Mapping[tuple[Machine, CleanStatus], Mapping[Said, Step]] = {
    (Machine.REAL, CleanStatus.CLEAN): _CLEAN,
    (Machine.REAL, CleanStatus.DIRTY): _REAL_UNCLEAN,
    (Machine.REAL, CleanStatus.CLEANING): _REAL_UNCLEAN,
    (Machine.VIRTUAL_1_1, CleanStatus.CLEAN): _CLEAN,
    (Machine.VIRTUAL_1_1, CleanStatus.DIRTY): _RESET,
    (Machine.VIRTUAL_1_1, CleanStatus.CLEANING): _RESET,
    (Machine.VIRTUAL_2_0, CleanStatus.CLEAN): _CLEAN,
    (Machine.VIRTUAL_2_0, CleanStatus.DIRTY): _RESET,
    (Machine.VIRTUAL_2_0, CleanStatus.CLEANING): dict.fromkeys(Said, Step.AWAIT_RESET),
}

#: A claim marks its builder DIRTY in the same act. Where an operator has since declared a builder
#: that holds a job to be clean, or is having it reset, the job can no longer be believed.
_CONTRADICTED: Mapping[Said, Step] = dict.fromkeys(Said, Step.LOSE)


def _row(machine: Machine, clean: CleanStatus, holding: Holding) -> Mapping[Said, Step]:
    if holding is Holding.NOTHING:
        return _FREE[machine, clean]
    if clean is CleanStatus.DIRTY or holding is Holding.CLAIMED_CANCELLING:
        return _HELD[holding]
    return _CONTRADICTED


#: Every combination and its step.
TABLE: Mapping[tuple[Machine, CleanStatus, Holding, Said], Step] = {
    (machine, clean, holding, said): _row(machine, clean, holding)[said]
    for machine in Machine
    for clean in CleanStatus
    for holding in Holding
    for said in Said
}

_OURS = {
    DaemonStatus.BUILDING: Said.BUILDING_OURS,
    DaemonStatus.WAITING: Said.WAITING_OURS,
    DaemonStatus.ABORTING: Said.ABORTING_OURS,
}
_OTHER = {
    DaemonStatus.BUILDING: Said.BUILDING_OTHER,
    DaemonStatus.WAITING: Said.WAITING_OTHER,
    DaemonStatus.ABORTING: Said.ABORTING_OTHER,
}


def machine_of(builder: BuilderSnapshot) -> Machine:
    """How `builder` is made clean."""
    if not builder.virtualized:
        return Machine.REAL
    if builder.vm_reset_protocol is ResetProtocol.ASYNCHRONOUS:
        return Machine.VIRTUAL_2_0
    return Machine.VIRTUAL_1_1


def holding_of(state: AttemptState | None, cancelling: bool) -> Holding:
    """What a builder holds whose attempt is in `state`; None where it has no attempt."""
    if state is AttemptState.CLAIMED:
        return Holding.CLAIMED_CANCELLING if cancelling else Holding.CLAIMED
    if state is AttemptState.SENT:
        return Holding.CANCELLING if cancelling else Holding.SENT
    if state is AttemptState.CONFIRMED:
        return Holding.CANCELLING if cancelling else Holding.CONFIRMED
    return Holding.NOTHING


def said_of(observation: Observation | None, cookie: str | None) -> Said:
    """What `observation` says of the job named `cookie`; a job without our cookie is another's."""
    if observation is None:
        return Said.UNASKED
    if observation.status is DaemonStatus.IDLE:
        return Said.IDLE
    ours = cookie is not None and observation.build_id == cookie
    return (_OURS if ours else _OTHER)[observation.status]


def plan(
    builder: BuilderSnapshot,
    holding: Holding,
    cookie: str | None,
    observation: Observation | None,
) -> Step:
    """The next step for `builder`. Ask first with no observation; ASK means: observe, then again.

    A builder that was taken out is left alone once it holds nothing; a manual one is kept clean
    and watched, and never claims. What a removed builder still holds is given up.
    """
    if not builder.active and holding is not Holding.NOTHING:
        return Step.LOSE
    if holding is Holding.NOTHING and not (builder.active and builder.builderok):
        return Step.REST
    step = TABLE[machine_of(builder), builder.clean_status, holding, said_of(observation, cookie)]
    if step is Step.SEEK and builder.manual:
        return Step.REST
    return step
