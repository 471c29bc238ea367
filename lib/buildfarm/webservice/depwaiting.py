"""`archive.retryDepWaiting()`: have what builds wait for looked for now.

Layer 5. Tests: tests/functional/depwait/test_webservice.py.
"""

from typing import Any

from buildfarm.verdicts.permissions import Deed
from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import Operation


async def _retry_dep_waiting(context: Context, subject: ArchiveSnapshot) -> list[dict[str, Any]]:
    return [
        {
            "build_id": one.build_id,
            "title": one.title,
            "dependencies": one.dependencies,
            "finding": one.finding,
            "retried": one.retried,
        }
        for one in await context.farm.retry_dep_waiting(subject.id)
    ]


RETRY_DEP_WAITING = Operation(
    "retryDepWaiting",
    _retry_dep_waiting,
    "Look now for what its builds wait for, and retry those of which all is there; lists the "
    "builds that were looked into, each with what was found.",
    changes=True,
    deed=Deed.RETRY,
)
