"""Version 1: the farm, its builders and archives, builds, queue, attempts and events.

Types and statements are those that SQLite and PostgreSQL share. Only identity columns, and text
that is ordered by its bytes, are spelled differently, and the database says how.

Layer 3. Tests: tests/unit/storage/test_schema.py.
"""

from typing import Any

_TABLES = (
    """CREATE TABLE farm (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        database_id {text} NOT NULL,
        epoch BIGINT NOT NULL
    )""",
    """CREATE TABLE builder (
        id {identity},
        name {text} NOT NULL UNIQUE,
        title {text} NOT NULL,
        url {text} NOT NULL,
        processors {text} NOT NULL,
        virtualized BOOLEAN NOT NULL,
        vm_host {text},
        vm_reset_protocol {text},
        open_resources {text} NOT NULL,
        restricted_resources {text} NOT NULL,
        builderok BOOLEAN NOT NULL,
        failnotes {text},
        manual BOOLEAN NOT NULL,
        active BOOLEAN NOT NULL,
        failure_count BIGINT NOT NULL,
        version {text},
        clean_status {text} NOT NULL,
        date_clean_status_changed TIMESTAMP NOT NULL,
        reset_output {text}
    )""",
    """CREATE TABLE archive (
        id {identity},
        name {text} NOT NULL UNIQUE,
        distribution {text} NOT NULL,
        suites {text} NOT NULL,
        architectures {text} NOT NULL,
        nominated_architecture {text} NOT NULL,
        component {text} NOT NULL,
        bases {text} NOT NULL,
        trusted_keys {text} NOT NULL,
        uploader {text} NOT NULL,
        path {text} NOT NULL,
        key_id {text},
        private BOOLEAN NOT NULL,
        virtualized BOOLEAN NOT NULL
    )""",
    """CREATE TABLE chroot (
        id {identity},
        distribution {text} NOT NULL,
        series {text} NOT NULL,
        architecture {text} NOT NULL,
        image_type {text} NOT NULL,
        size BIGINT NOT NULL,
        sha1 {text} NOT NULL,
        sha256 {text} NOT NULL,
        UNIQUE (distribution, series, architecture, image_type)
    )""",
    """CREATE TABLE source (
        id {identity},
        name {text} NOT NULL,
        version {text} NOT NULL,
        architecture {text} NOT NULL,
        binaries {text} NOT NULL,
        files {text} NOT NULL,
        dsc_sha256 {text} NOT NULL UNIQUE
    )""",
    """CREATE TABLE requirement (
        id {identity},
        processor {text} NOT NULL,
        virtualized BOOLEAN NOT NULL,
        resources {text} NOT NULL,
        UNIQUE (processor, virtualized, resources)
    )""",
    """CREATE TABLE build (
        id {identity},
        archive_id BIGINT NOT NULL REFERENCES archive (id),
        source_id BIGINT NOT NULL REFERENCES source (id),
        distribution {text} NOT NULL,
        series {text} NOT NULL,
        suite {text} NOT NULL,
        pocket {text} NOT NULL,
        component {text} NOT NULL,
        source {text} NOT NULL,
        version {text} NOT NULL,
        architecture {text} NOT NULL,
        arch_indep BOOLEAN NOT NULL,
        virtualized BOOLEAN NOT NULL,
        state {text} NOT NULL,
        requester {text} NOT NULL,
        created TIMESTAMP NOT NULL,
        started TIMESTAMP,
        finished TIMESTAMP,
        attempt_count BIGINT NOT NULL,
        failure_count BIGINT NOT NULL,
        builders_cost BIGINT NOT NULL,
        given_back BIGINT NOT NULL,
        lost_count BIGINT NOT NULL,
        reason {text},
        dependencies {text},
        log_digest {text},
        score BIGINT NOT NULL,
        superseded_by {text},
        UNIQUE (archive_id, source, suite, version, architecture)
    )""",
    """CREATE TABLE queue (
        build_id BIGINT PRIMARY KEY REFERENCES build (id),
        requirement_id BIGINT NOT NULL REFERENCES requirement (id),
        state {text} NOT NULL,
        score BIGINT NOT NULL,
        estimated_duration DOUBLE PRECISION NOT NULL,
        not_before TIMESTAMP,
        logtail {text},
        CHECK ((state = 'SUSPENDED') = (not_before IS NOT NULL))
    )""",
    """CREATE TABLE attempt (
        id {identity},
        build_id BIGINT NOT NULL REFERENCES build (id),
        number BIGINT NOT NULL,
        builder_id BIGINT NOT NULL REFERENCES builder (id),
        cookie {text} NOT NULL UNIQUE,
        state {text} NOT NULL,
        epoch BIGINT NOT NULL,
        spool {text} NOT NULL,
        outcome {text},
        reason {text},
        claimed TIMESTAMP NOT NULL,
        sent TIMESTAMP,
        confirmed TIMESTAMP,
        gathered TIMESTAMP,
        closed TIMESTAMP,
        prepared BOOLEAN NOT NULL,
        tries BIGINT NOT NULL,
        next_try TIMESTAMP,
        last_error {text},
        files {text} NOT NULL,
        log_digest {text},
        UNIQUE (build_id, number)
    )""",
    """CREATE TABLE event (
        id {identity},
        time TIMESTAMP NOT NULL,
        actor {text} NOT NULL,
        builder_id BIGINT REFERENCES builder (id),
        build_id BIGINT REFERENCES build (id),
        attempt BIGINT,
        before {text},
        after {text},
        reason {text} NOT NULL
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
    database = store.get_database()
    spelling = {"identity": database.identity_column, "text": database.text_column}
    for statement in (*_TABLES, *_INDEXES):
        store.execute(statement.format(**spelling), noresult=True)
