"""A long queue and many builders, written into a database at once instead of one by one.

Everything is a copy of one build and one builder that came in by the ordinary verbs. The statements
are those that SQLite and PostgreSQL share; a million builds take them about twenty seconds.
"""

from collections.abc import Sequence
from typing import Any

from storm.expr import Count, Insert, Max, Select

from buildfarm.storage.tables import Build, Builder, Queue

#: Every so many builds one is better than all others, and its requirement fits no builder.
ONE_UNFIT_IN = 5

_BUILD = (
    "archive_id, source_id, distribution, series, suite, pocket, component, version, "
    "architecture, arch_indep, virtualized, state, requester, created, attempt_count, "
    "failure_count, builders_cost, given_back, lost_count, score"
)

# Without parameters, since a `%` beside them means different things to the two drivers.

_COPY_BUILD = f"""
    INSERT INTO build (source, {_BUILD})
    WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {{more}})
    SELECT source || '-' || ({{last}} + n), {_BUILD}
    FROM build CROSS JOIN number WHERE id = {{build_id}}
"""

_QUEUE = f"""
    INSERT INTO queue (build_id, requirement_id, state, score, estimated_duration)
    SELECT id,
        CASE id % {ONE_UNFIT_IN} WHEN 0 THEN {{unfit.start}} + id % {{unfits}}
            ELSE {{fitting.start}} + id % {{fits}} END,
        'WAITING',
        id * 7919 % 5000 + CASE id % {ONE_UNFIT_IN} WHEN 0 THEN 10000 ELSE 0 END,
        60 + id % 600
    FROM build WHERE id > {{last}}
"""

#: Builds that one statement queues at most: each has a time limit on PostgreSQL.
_TOGETHER = 100_000

_COPIED = tuple(
    getattr(Builder, name)
    for name in (
        "title",
        "processors",
        "virtualized",
        "open_resources",
        "restricted_resources",
        "builderok",
        "manual",
        "active",
        "failure_count",
        "clean_status",
        "date_clean_status_changed",
    )
)


def queue_builds(store: Any, build_id: int, total: int, fitting: range, unfit: range) -> None:
    """Queue copies of this build until `total` builds wait.

    `fitting` and `unfit` are ids of requirements: four builds of five are spread over the first,
    one in five, with a better score, over the second.
    """
    missing = total - store.execute(Select(Count(), Queue.state == "WAITING", Queue)).get_one()[0]
    for done in range(0, missing, _TOGETHER):
        values = {
            "build_id": build_id,
            "more": min(missing - done, _TOGETHER),
            "last": store.execute(Select(Max(Build.id))).get_one()[0],
            "fitting": fitting,
            "fits": len(fitting),
            "unfit": unfit,
            "unfits": len(unfit),
        }
        for statement in (_COPY_BUILD, _QUEUE):
            store.execute(statement.format(**values), noresult=True)
    store.commit()


def copy_builder(store: Any, name: str, urls: Sequence[str], **changes: object) -> list[int]:
    """Add a builder like the one of this name, but for `changes`, at each of `urls`; their ids."""
    like = store.execute(Select(_COPIED, Builder.name == name)).get_one()
    last = store.execute(Select(Max(Builder.id))).get_one()[0]
    for number, url in enumerate(urls, start=last):
        row = dict(zip(_COPIED, like, strict=True))
        new = {Builder.name: f"{name}-{number}", Builder.url: url}
        new |= {getattr(Builder, field): value for field, value in changes.items()}
        store.execute(Insert({**row, **new}), noresult=True)
    store.commit()
    added = store.execute(Select(Builder.id, Builder.id > last, order_by=Builder.id))
    return [row[0] for row in added.get_all()]
