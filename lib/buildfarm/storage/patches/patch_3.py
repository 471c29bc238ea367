"""Version 3: the outbox of news, where people get theirs, and what dep-waits were looked for.

Layer 3. Tests: tests/unit/storage/test_schema.py.
"""

from typing import Any

_STATEMENTS = (
    "ALTER TABLE person ADD COLUMN mail {text}",
    """CREATE TABLE notice (
        id {identity},
        time TIMESTAMP NOT NULL,
        kind {text} NOT NULL,
        reason {text} NOT NULL,
        state {text},
        builder_id BIGINT REFERENCES builder (id),
        build_id BIGINT REFERENCES build (id),
        attempt BIGINT,
        addressed BOOLEAN NOT NULL
    )""",
    """CREATE TABLE delivery (
        id {identity},
        receiver {text} NOT NULL,
        state {text} NOT NULL,
        created TIMESTAMP NOT NULL,
        planned TIMESTAMP NOT NULL,
        due TIMESTAMP NOT NULL,
        tries BIGINT NOT NULL,
        last_error {text},
        ended TIMESTAMP
    )""",
    """CREATE TABLE delivery_notice (
        id {identity},
        delivery_id BIGINT NOT NULL REFERENCES delivery (id),
        notice_id BIGINT NOT NULL REFERENCES notice (id),
        UNIQUE (delivery_id, notice_id)
    )""",
    """CREATE TABLE depwait (
        build_id BIGINT PRIMARY KEY REFERENCES build (id),
        dependencies {text} NOT NULL,
        tries BIGINT NOT NULL,
        not_before TIMESTAMP,
        checked TIMESTAMP NOT NULL,
        state {text} NOT NULL,
        finding {text} NOT NULL
    )""",
    """CREATE TABLE depwait_check (
        id {identity},
        build_id BIGINT NOT NULL REFERENCES build (id),
        time TIMESTAMP NOT NULL,
        state {text} NOT NULL,
        looked_at {text} NOT NULL,
        finding {text} NOT NULL,
        found BOOLEAN NOT NULL,
        UNIQUE (build_id, state)
    )""",
    "CREATE INDEX notice_waiting ON notice (id) WHERE NOT addressed",
    "CREATE INDEX delivery_waiting ON delivery (receiver, due) WHERE state = 'WAITING'",
    "CREATE INDEX delivery_receiver ON delivery (receiver, id)",
    "CREATE INDEX delivery_ended ON delivery (ended) WHERE ended IS NOT NULL",
    "CREATE INDEX delivery_of_notice ON delivery_notice (notice_id)",
)


def apply(store: Any) -> None:
    """Make the tables, empty; nobody has a mail address yet."""
    database = store.get_database()
    spelling = {"identity": database.identity_column, "text": database.text_column}
    for statement in _STATEMENTS:
        store.execute(statement.format(**spelling), noresult=True)
