"""The tables as Storm sees them: names and types of columns, nothing that behaves.

Verbs are SQL expressions over these classes, never flushed objects (DESIGN section 7). Enums are
stored as their words, tuples of names and files as JSON text, times as naive UTC.

Layer 3. The tables themselves are made by `storage.patches`. Tests: tests/unit/storage.
"""

from storm.expr import SQLRaw
from storm.properties import Bool, DateTime, Float, Int, Unicode


class Farm:
    """The one row about the database. `database_id` is random, drawn anew by a restore."""

    __storm_table__ = "farm"
    id = Int(primary=True)
    database_id = Unicode()
    epoch = Int()


class Builder:
    """`vocab.builder.BuilderSnapshot`, one row each; removed builders stay, inactive."""

    __storm_table__ = "builder"
    id = Int(primary=True)
    name = Unicode()
    title = Unicode()
    url = Unicode()
    processors = Unicode()
    virtualized = Bool()
    vm_host = Unicode()
    vm_reset_protocol = Unicode()
    open_resources = Unicode()
    restricted_resources = Unicode()
    builderok = Bool()
    failnotes = Unicode()
    manual = Bool()
    active = Bool()
    failure_count = Int()
    version = Unicode()
    clean_status = Unicode()
    date_clean_status_changed = DateTime()
    reset_output = Unicode()


class Archive:
    """`vocab.archive.ArchiveSnapshot`, one row each."""

    __storm_table__ = "archive"
    id = Int(primary=True)
    name = Unicode()
    distribution = Unicode()
    suites = Unicode()
    architectures = Unicode()
    nominated_architecture = Unicode()
    component = Unicode()
    bases = Unicode()
    trusted_keys = Unicode()
    uploader = Unicode()
    path = Unicode()
    key_id = Unicode()
    private = Bool()
    virtualized = Bool()


class Chroot:
    """`vocab.archive.ChrootSnapshot`; setting one again replaces the row's file."""

    __storm_table__ = "chroot"
    id = Int(primary=True)
    distribution = Unicode()
    series = Unicode()
    architecture = Unicode()
    image_type = Unicode()
    size = Int()
    sha1 = Unicode()
    sha256 = Unicode()


class Source:
    """`vocab.submission.SourcePackage`: one row per distinct `.dsc`, shared by its builds."""

    __storm_table__ = "source"
    id = Int(primary=True)
    name = Unicode()
    version = Unicode()
    architecture = Unicode()
    binaries = Unicode()
    files = Unicode()
    dsc_sha256 = Unicode()


class Requirement:
    """`vocab.build.Requirement`: each distinct combination once. `resources` is sorted JSON."""

    __storm_table__ = "requirement"
    id = Int(primary=True)
    processor = Unicode()
    virtualized = Bool()
    resources = Unicode()


class Build:
    """`vocab.build.BuildSnapshot`.

    `score` is the one it was last queued with. `superseded_by` is a newer version that was
    submitted while this one ran.
    """

    __storm_table__ = "build"
    id = Int(primary=True)
    archive_id = Int()
    source_id = Int()
    distribution = Unicode()
    series = Unicode()
    suite = Unicode()
    pocket = Unicode()
    component = Unicode()
    source = Unicode()
    version = Unicode()
    architecture = Unicode()
    arch_indep = Bool()
    virtualized = Bool()
    state = Unicode()
    requester = Unicode()
    created = DateTime()
    started = DateTime()
    finished = DateTime()
    attempt_count = Int()
    failure_count = Int()
    builders_cost = Int()
    given_back = Int()
    lost_count = Int()
    reason = Unicode()
    dependencies = Unicode()
    log_digest = Unicode()
    score = Int()
    superseded_by = Unicode()


class Queue:
    """`vocab.build.QueueEntry`: a row only while its build waits or runs.

    An entry that may not go before `not_before` is SUSPENDED until then, and no other is, so that
    the index over WAITING entries holds only what can be dispatched now.
    """

    __storm_table__ = "queue"
    build_id = Int(primary=True)
    requirement_id = Int()
    state = Unicode()
    score = Int()
    estimated_duration = Float()
    not_before = DateTime()
    logtail = Unicode()


class Attempt:
    """`vocab.build.AttemptSnapshot`. Partial unique indexes keep one open per build and builder."""

    __storm_table__ = "attempt"
    id = Int(primary=True)
    build_id = Int()
    number = Int()
    builder_id = Int()
    cookie = Unicode()
    state = Unicode()
    epoch = Int()
    spool = Unicode()
    outcome = Unicode()
    reason = Unicode()
    claimed = DateTime()
    sent = DateTime()
    confirmed = DateTime()
    gathered = DateTime()
    closed = DateTime()
    prepared = Bool()
    tries = Int()
    next_try = DateTime()
    last_error = Unicode()
    files = Unicode()
    log_digest = Unicode()


class Event:
    """`vocab.build.EventSnapshot`: written in the transaction of what it tells, never changed."""

    __storm_table__ = "event"
    id = Int(primary=True)
    time = DateTime()
    actor = Unicode()
    builder_id = Int()
    build_id = Int()
    attempt = Int()
    before = Unicode()
    after = Unicode()
    reason = Unicode()


class Sample:
    """`vocab.glance.Sample`: one row every few minutes, for some days."""

    __storm_table__ = "sample"
    time = DateTime(primary=True)
    event = Int()
    waiting = Int()
    running = Int()
    built = Int()
    failed = Int()


class Person:
    """`vocab.people.PersonSnapshot`, one row each; teams are persons as well."""

    __storm_table__ = "person"
    id = Int(primary=True)
    name = Unicode()
    display_name = Unicode()
    is_team = Bool()
    active = Bool()
    created = DateTime()
    mail = Unicode()


class Membership:
    """That a person is a member of a team."""

    __storm_table__ = "membership"
    id = Int(primary=True)
    team_id = Int()
    person_id = Int()


class ArchiveRight:
    """What a person or a team may do with an archive; `kind` is `vocab.people.ArchiveRight`."""

    __storm_table__ = "archive_right"
    id = Int(primary=True)
    archive_id = Int()
    person_id = Int()
    kind = Unicode()


class Token:
    """`vocab.people.TokenSnapshot`, one row each."""

    __storm_table__ = "token"
    id = Int(primary=True)
    kind = Unicode()
    key = Unicode()
    secret_sha256 = Unicode()
    person_id = Int()
    level = Unicode()
    consumer = Unicode()
    purpose = Unicode()
    created = DateTime()
    expires = DateTime()
    revoked = DateTime()
    lasts = Int()
    used = DateTime()


# The conditions of the partial indexes. They are literal SQL: with parameters in their place,
# SQLite cannot tell that such an index serves.

#: The attempt is open.
IS_OPEN = SQLRaw("attempt.state <> 'CLOSED'")

#: The attempt occupies its builder; `vocab.states.ON_BUILDER`.
IS_ON_BUILDER = SQLRaw("attempt.state IN ('CLAIMED', 'SENT', 'CONFIRMED')")

#: The results of the attempt wait for their upload.
AWAITS_UPLOAD = SQLRaw("attempt.state = 'GATHERED'")

#: The build is published.
IS_BUILT = SQLRaw("build.state = 'FULLYBUILT'")

#: The event tells that a builder was taken out of service; `vocab.states.Service`.
IS_OUT = SQLRaw("event.after = 'OUT OF SERVICE'")
