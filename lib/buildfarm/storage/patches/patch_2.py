"""Version 2: people and teams, what they may do with archives, and their tokens.

Layer 3. Tests: tests/unit/storage/test_schema.py.
"""

from typing import Any

_STATEMENTS = (
    """CREATE TABLE person (
        id {identity},
        name {text} NOT NULL UNIQUE,
        display_name {text} NOT NULL,
        is_team BOOLEAN NOT NULL,
        active BOOLEAN NOT NULL,
        created TIMESTAMP NOT NULL
    )""",
    """CREATE TABLE membership (
        id {identity},
        team_id BIGINT NOT NULL REFERENCES person (id),
        person_id BIGINT NOT NULL REFERENCES person (id),
        UNIQUE (person_id, team_id)
    )""",
    """CREATE TABLE archive_right (
        id {identity},
        archive_id BIGINT NOT NULL REFERENCES archive (id),
        person_id BIGINT NOT NULL REFERENCES person (id),
        kind {text} NOT NULL,
        UNIQUE (archive_id, person_id, kind)
    )""",
    """CREATE TABLE token (
        id {identity},
        kind {text} NOT NULL,
        key {text} NOT NULL UNIQUE,
        secret_sha256 {text} NOT NULL,
        person_id BIGINT REFERENCES person (id),
        level {text},
        consumer {text} NOT NULL,
        purpose {text} NOT NULL,
        created TIMESTAMP NOT NULL,
        expires TIMESTAMP,
        revoked TIMESTAMP,
        lasts BIGINT,
        used TIMESTAMP,
        CHECK ((person_id IS NULL) = (level IS NULL))
    )""",
    "CREATE INDEX token_person ON token (person_id)",
    "CREATE INDEX token_expires ON token (expires) WHERE expires IS NOT NULL",
)


def apply(store: Any) -> None:
    """Make the tables, empty."""
    database = store.get_database()
    spelling = {"identity": database.identity_column, "text": database.text_column}
    for statement in _STATEMENTS:
        store.execute(statement.format(**spelling), noresult=True)
