"""What one sweep removed, in counts.

Layer 4. Tests: tests/unit/retention/test_sweep.py.
"""

from dataclasses import dataclass, fields
from datetime import datetime


@dataclass(slots=True)
class Removed:
    """How many of each kind are gone; `bytes` are those of the files.

    `events`, `results` and `news` are rows: results that a retry could have uploaded, deliveries of
    news that ended. `spools` are directories. `logs` and `sources` were given up in the database;
    they are among the `files` of this sweep or a later one.
    """

    began: datetime
    events: int = 0
    results: int = 0
    logs: int = 0
    sources: int = 0
    news: int = 0
    tokens: int = 0
    spools: int = 0
    files: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        counts = [
            (one.name, getattr(self, one.name)) for one in fields(self) if one.name != "began"
        ]
        return ", ".join(f"{count:,} {name}" for name, count in counts if count) or "nothing"
