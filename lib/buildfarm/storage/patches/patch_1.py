"""Version 1: the farm, its builders and archives, builds, queue, attempts and events.

Types and statements are those that SQLite and PostgreSQL share; only the spelling of an identity
column differs, and the database says its own.

Layer 3. Tests: tests/unit/storage/test_schema.py.
"""

from typing import Any

_TABLES = (
    """CREATE TABLE farm (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        database_id TEXT NOT NULL,
        epoch BIGINT NOT NULL
    )""",
    """CREATE TABLE builder (
        id {identity},
        name TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        url TEXT NOT NULL,
        processors TEXT NOT NULL,
        virtualized BOOLEAN NOT NULL,
        vm_host TEXT,
        vm_reset_protocol TEXT,
        open_resources TEXT NOT NULL,
        restricted_resources TEXT NOT NULL,
        builderok BOOLEAN NOT NULL,
        failnotes TEXT,
        manual BOOLEAN NOT NULL,
        active BOOLEAN NOT NULL,
        failure_count BIGINT NOT NULL,
        version TEXT,
        clean_status TEXT NOT NULL,
        date_clean_status_changed TIMESTAMP NOT NULL,
        reset_output TEXT
    )""",
    """CREATE TABLE archive (
        id {identity},
        name TEXT NOT NULL UNIQUE,
        distribution TEXT NOT NULL,
        suites TEXT NOT NULL,
        architectures TEXT NOT NULL,
        nominated_architecture TEXT NOT NULL,
        component TEXT NOT NULL,
        bases TEXT NOT NULL,
        trusted_keys TEXT NOT NULL,
        uploader TEXT NOT NULL,
        path TEXT NOT NULL,
        key_id TEXT,
        private BOOLEAN NOT NULL,
        virtualized BOOLEAN NOT NULL
    )""",
    """CREATE TABLE chroot (
        id {identity},
        distribution TEXT NOT NULL,
        series TEXT NOT NULL,
        architecture TEXT NOT NULL,
        image_type TEXT NOT NULL,
        size BIGINT NOT NULL,
        sha1 TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        UNIQUE (distribution, series, architecture, image_type)
    )""",
    """CREATE TABLE source (
        id {identity},
        name TEXT NOT NULL,
        version TEXT NOT NULL,
        architecture TEXT NOT NULL,
        binaries TEXT NOT NULL,
        files TEXT NOT NULL,
        dsc_sha256 TEXT NOT NULL UNIQUE
    )""",
    """CREATE TABLE requirement (
        id {identity},
        processor TEXT NOT NULL,
        virtualized BOOLEAN NOT NULL,
        resources TEXT NOT NULL,
        UNIQUE (processor, virtualized, resources)
    )""",
    """CREATE TABLE build (
        id {identity},
        archive_id BIGINT NOT NULL REFERENCES archive (id),
        source_id BIGINT NOT NULL REFERENCES source (id),
        distribution TEXT NOT NULL,
        series TEXT NOT NULL,
        suite TEXT NOT NULL,
        pocket TEXT NOT NULL,
        component TEXT NOT NULL,
        source TEXT NOT NULL,
        version TEXT NOT NULL,
        architecture TEXT NOT NULL,
        arch_indep BOOLEAN NOT NULL,
        virtualized BOOLEAN NOT NULL,
        state TEXT NOT NULL,
        requester TEXT NOT NULL,
        created TIMESTAMP NOT NULL,
        started TIMESTAMP,
        finished TIMESTAMP,
        attempt_count BIGINT NOT NULL,
        failure_count BIGINT NOT NULL,
        builders_cost BIGINT NOT NULL,
        given_back BIGINT NOT NULL,
        lost_count BIGINT NOT NULL,
        reason TEXT,
        dependencies TEXT,
        log_digest TEXT,
        score BIGINT NOT NULL,
        superseded_by TEXT,
        UNIQUE (archive_id, source, suite, version, architecture)
    )""",
    """CREATE TABLE queue (
        build_id BIGINT PRIMARY KEY REFERENCES build (id),
        requirement_id BIGINT NOT NULL REFERENCES requirement (id),
        state TEXT NOT NULL,
        score BIGINT NOT NULL,
        estimated_duration DOUBLE PRECISION NOT NULL,
        not_before TIMESTAMP,
        logtail TEXT,
        CHECK ((state = 'SUSPENDED') = (not_before IS NOT NULL))
    )""",
    """CREATE TABLE attempt (
        id {identity},
        build_id BIGINT NOT NULL REFERENCES build (id),
        number BIGINT NOT NULL,
        builder_id BIGINT NOT NULL REFERENCES builder (id),
        cookie TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        epoch BIGINT NOT NULL,
        spool TEXT NOT NULL,
        outcome TEXT,
        reason TEXT,
        claimed TIMESTAMP NOT NULL,
        sent TIMESTAMP,
        confirmed TIMESTAMP,
        gathered TIMESTAMP,
        closed TIMESTAMP,
        prepared BOOLEAN NOT NULL,
        tries BIGINT NOT NULL,
        next_try TIMESTAMP,
        last_error TEXT,
        files TEXT NOT NULL,
        log_digest TEXT,
        UNIQUE (build_id, number)
    )""",
    """CREATE TABLE event (
        id {identity},
        time TIMESTAMP NOT NULL,
        actor TEXT NOT NULL,
        builder_id BIGINT REFERENCES builder (id),
        build_id BIGINT REFERENCES build (id),
        attempt BIGINT,
        before TEXT,
        after TEXT,
        reason TEXT NOT NULL
    )""",
)

_INDEXES = (
    # The queue in dispatch order for each requirement: a claim reads its top and nothing else.
    "CREATE INDEX queue_order ON queue (state, requirement_id, score DESC, build_id)",
    "CREATE INDEX queue_release ON queue (not_before) WHERE not_before IS NOT NULL",
    # Promise P3: at most one open attempt per build, and one that occupies a builder.
    "CREATE UNIQUE INDEX attempt_open ON attempt (build_id) WHERE state <> 'CLOSED'",
    """CREATE UNIQUE INDEX attempt_on_builder ON attempt (builder_id)
        WHERE state IN ('CLAIMED', 'SENT', 'CONFIRMED')""",
    "CREATE INDEX attempt_upload ON attempt (next_try, gathered) WHERE state = 'GATHERED'",
    "CREATE INDEX build_source ON build (source, architecture)",
    "CREATE INDEX build_state ON build (state, id)",
    "CREATE INDEX build_built ON build (architecture, id) WHERE state = 'FULLYBUILT'",
    "CREATE INDEX event_build ON event (build_id, id)",
    "CREATE INDEX event_builder ON event (builder_id, id)",
    "CREATE INDEX event_time ON event (time)",
)


def apply(store: Any) -> None:
    """Make every table and index in the empty database behind `store`."""
    identity = store.get_database().identity_column
    for statement in (*_TABLES, *_INDEXES):
        store.execute(statement.format(identity=identity), noresult=True)
