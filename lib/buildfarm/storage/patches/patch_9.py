"""Version 9: people and teams, what they may do with archives, and their tokens.

Layer 3. Tests: tests/unit/storage/test_schema.py.
"""

from typing import Any

_STATEMENTS = (
    """CREATE TABLE person (
        id {identity},
        name TEXT NOT NULL UNIQUE,
        display_name TEXT NOT NULL,
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
        kind TEXT NOT NULL,
        UNIQUE (archive_id, person_id, kind)
    )""",
    """CREATE TABLE token (
        id {identity},
        kind TEXT NOT NULL,
        key TEXT NOT NULL UNIQUE,
        secret_sha256 TEXT NOT NULL,
        person_id BIGINT REFERENCES person (id),
        level TEXT,
        consumer TEXT NOT NULL,
        purpose TEXT NOT NULL,
        created TIMESTAMP NOT NULL,
        expires TIMESTAMP,
        revoked TIMESTAMP,
        CHECK ((person_id IS NULL) = (level IS NULL))
    )""",
    "CREATE INDEX token_person ON token (person_id)",
    "CREATE INDEX token_expires ON token (expires) WHERE expires IS NOT NULL",
)


def apply(store: Any) -> None:
    """Make the tables, empty."""
    identity = store.get_database().identity_column
    for statement in _STATEMENTS:
        store.execute(statement.format(identity=identity), noresult=True)
