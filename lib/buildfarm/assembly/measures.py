"""What the manager shows of itself to Prometheus: where each figure of `/metrics` is read.

Everything is at hand, in counters of the parts themselves; what only the database knows is read
now and then, not for each who asks. docs/metrics.md lists it all.

Layer 6. Tests: tests/functional/assembly/test_metrics.py.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from buildfarm.admin.server import MAX_CONVERSATIONS, ControlServer
from buildfarm.assembly.ground import FILES_QUEUED, Ground
from buildfarm.assembly.scanners import Scanners
from buildfarm.filestore.resource import FilesResource
from buildfarm.filestore.sending import WAITING_PER_PLACE
from buildfarm.metrics.histogram import Histogram
from buildfarm.monitoring.families import Count, Durations, Family, Gauge, Samples, single
from buildfarm.scanning.roster import CLAIM_BATCH
from buildfarm.scanning.scanner import Scanner
from buildfarm.statuspage.pages import StatusPages
from buildfarm.statuspage.snapshots import MAKING
from buildfarm.storage.glance import backlogs
from buildfarm.storage.outbox import deliveries_waiting
from buildfarm.storage.transactor import MAX_WAITING, QUEUED_READS
from buildfarm.uploading.stage import UploadStage
from buildfarm.vocab.glance import Backlog
from buildfarm.vocab.states import AttemptOutcome, CleanStatus

#: Seconds by which the lateness of the reactor is counted.
LATENESS_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

#: What a builder can be at, each of them at one.
BUILDER_STATES = ("disabled", "building", "cleaning", "failing", "idle")


@dataclass(frozen=True, slots=True)
class Stage:
    """Something in which work waits: how much of it now, and how much at most, if there is such."""

    name: str
    waiting: Callable[[], int]
    bound: int | None = None


@dataclass(slots=True)
class Waiting:
    """What the database was last asked for: builds that wait, and news that nobody has yet."""

    queues: dict[tuple[str, bool], Backlog] = field(default_factory=dict)
    deliveries: int = 0


async def fetch_waiting(ground: Ground) -> Waiting:
    """What waits now. Raises StorageError."""
    queues = await ground.storage.read(backlogs)
    return Waiting(queues, await ground.storage.read(deliveries_waiting))


def state_of(scanner: Scanner) -> str:
    """Which of `BUILDER_STATES` the builder of this scanner is in."""
    builder = scanner.steps.builder
    if not builder.builderok:
        return "disabled"
    if scanner.steps.job is not None:
        return "building"
    if scanner.is_failing:
        return "failing"
    return "idle" if builder.clean_status is CleanStatus.CLEAN else "cleaning"


def of_scanners(scanners: Scanners) -> tuple[Family, ...]:
    """Builders, scans and attempts."""
    pace, outcomes = scanners.crew.pace, scanners.crew.judge.outcomes

    def builders() -> Samples:
        counted = Counter(map(state_of, scanners.roster.scanners))
        return [((state,), counted[state]) for state in BUILDER_STATES]

    return (
        Gauge("builders", "Builders that were not removed, by state.", builders, ("state",)),
        Count("scans", "Builders asked for their status.", lambda: single(pace.scans_made)),
        Gauge("scan_cost_seconds", "CPU time of a scan.", lambda: single(pace.cost)),
        Count(
            "scanner_cpu_seconds",
            "CPU time of the scanners' turns.",
            lambda: single(scanners.turns.cpu_used),
        ),
        Gauge(
            "dispatch_paused",
            "1 while no build is begun for a reason of the manager's own.",
            lambda: single(bool(scanners.pauses)),
        ),
        Count(
            "attempts_ended",
            "Attempts that ended before their upload, by outcome.",
            lambda: [((one.value.lower(),), outcomes[one]) for one in AttemptOutcome],
            ("outcome",),
        ),
    )


def of_pages(pages: StatusPages) -> tuple[Family, ...]:
    """Those who look at the status page."""
    viewers = "Who follow what changes on the status page."
    return (Gauge("event_stream_viewers", viewers, lambda: single(pages.viewers)),)


def stage_of_pages(pages: StatusPages) -> Stage:
    """Pages that wait for what they show."""
    return Stage("pages", lambda: pages.being_made, MAKING)


def of_uploads(uploads: UploadStage) -> tuple[Family, ...]:
    """Tries of uploads."""
    ends = ("published", "refused", "postponed")
    return (
        Count(
            "uploads",
            "Tries of uploads, by how they ended.",
            lambda: [((end,), uploads.ends[end]) for end in ends],
            ("end",),
        ),
        Gauge("uploads_running", "Uploads under way.", lambda: single(uploads.running)),
    )


def of_ground(
    ground: Ground, lateness: Histogram, waiting: Callable[[], Waiting], answered: Counter[int]
) -> tuple[Family, ...]:
    """Database, reactor, listener and what waits in the database."""
    storage = ground.storage

    def queued(size: str) -> Callable[[], Samples]:
        return lambda: [
            ((processor, "true" if virtualized else "false"), getattr(backlog, size))
            for (processor, virtualized), backlog in sorted(waiting().queues.items())
        ]

    kind = ("processor", "virtualized")
    return (
        Gauge("queue_builds", "Builds that wait for a builder.", queued("builds"), kind),
        Gauge(
            "queue_seconds",
            "How long they will take, one after the other.",
            queued("seconds"),
            kind,
        ),
        Gauge(
            "deliveries_waiting",
            "Mails and webhooks that are to be sent.",
            lambda: single(waiting().deliveries),
        ),
        Count("database_acts", "Acts written, or refused.", lambda: single(storage.acts)),
        Durations("database_commit_seconds", "Times of commits.", storage.commit_seconds),
        Durations("reactor_lateness_seconds", "How late timers come.", lateness),
        Count(
            "http_requests",
            "Requests answered by the listener for people, by the class of their status.",
            lambda: [((f"{one}xx",), answered[one]) for one in range(1, 6)],
            ("status",),
        ),
    )


def stages(
    ground: Ground,
    scanners: Scanners,
    uploads: UploadStage,
    control: ControlServer,
    files: FilesResource,
) -> tuple[Stage, ...]:
    """Every place in which work waits; ARCHITECTURE.md has the same list."""
    storage, settings, crew = ground.storage, ground.settings, scanners.crew
    most = settings.files.max_downloads
    return (
        Stage("commands", lambda: control.conversations, MAX_CONVERSATIONS),
        Stage("acts", lambda: storage.waiting, MAX_WAITING),
        Stage("queries", lambda: storage.queries_waiting, QUEUED_READS),
        Stage("files", lambda: ground.workers.waiting, FILES_QUEUED),
        Stage("turns", lambda: scanners.turns.waiting),
        Stage("claims", lambda: scanners.roster.claims_waiting, CLAIM_BATCH),
        Stage("progress", lambda: crew.progress.waiting),
        Stage("downloads", lambda: files.downloads, most * (1 + WAITING_PER_PLACE)),
        Stage("gathers", lambda: crew.gatherer.waiting),
        Stage("resets", lambda: scanners.resetter.waiting),
        Stage("uploads", lambda: uploads.waiting),
    )


def of_stages(every: Sequence[Stage]) -> tuple[Family, ...]:
    """The gauges of every queue, and their bounds where they have one of their own."""

    def bounds() -> Samples:
        return [((one.name,), one.bound) for one in every if one.bound is not None]

    return (
        Gauge(
            "stage_waiting",
            "What waits in each stage of the work.",
            lambda: [((one.name,), one.waiting()) for one in every],
            ("stage",),
        ),
        Gauge(
            "stage_bound",
            "How much may wait there; beyond it, callers wait or are refused.",
            bounds,
            ("stage",),
        ),
    )
