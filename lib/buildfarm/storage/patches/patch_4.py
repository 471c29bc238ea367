"""Version 4: samples of the farm for its chart, and indexes that answer for whole lists.

The order of the queue has each build's duration beside it, so that the work that waits is summed
without a look at the entries; across all requirements it has an index of its own. That a builder
was taken out of service is found without its story.

Layer 3. Tests: tests/unit/storage/test_schema.py.
"""

from typing import Any

_STATEMENTS = (
    """CREATE TABLE sample (
        time TIMESTAMP NOT NULL PRIMARY KEY,
        event BIGINT NOT NULL,
        waiting BIGINT NOT NULL,
        running BIGINT NOT NULL,
        built BIGINT NOT NULL,
        failed BIGINT NOT NULL
    )""",
    "DROP INDEX queue_order",
    """CREATE INDEX queue_order
        ON queue (state, requirement_id, score DESC, build_id, estimated_duration)""",
    # Its first column is such that no claim could mistake it for the order of one requirement.
    """CREATE INDEX queue_page
        ON queue ((-score), build_id, state, requirement_id, score, estimated_duration)""",
    "CREATE INDEX event_out ON event (builder_id, time) WHERE after = 'OUT OF SERVICE'",
    "CREATE INDEX attempt_builder ON attempt (builder_id, id)",
)


def apply(store: Any) -> None:
    """Make the table, empty, and the indexes."""
    for statement in _STATEMENTS:
        store.execute(statement, noresult=True)
