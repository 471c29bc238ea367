"""The cookie: what a builder is told as `build_id`.

A cookie names one attempt of one build of one database. The database's random id keeps a restored
or second database from believing that a job it finds on a builder is its own.
"""

import re
from dataclasses import dataclass

_COOKIE = re.compile(r"PACKAGEBUILD-([1-9][0-9]{0,17})-([1-9][0-9]{0,8})-([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class Cookie:
    """One attempt, as a builder knows it: `PACKAGEBUILD-<build>-<attempt>-<database id>`."""

    build_id: int
    attempt: int
    database_id: str

    def __str__(self) -> str:
        return f"PACKAGEBUILD-{self.build_id}-{self.attempt}-{self.database_id}"

    @classmethod
    def parse(cls, text: str) -> "Cookie | None":
        """The cookie that `text` spells, or None where it is nobody's or another manager's form."""
        match = _COOKIE.fullmatch(text)
        if match is None:
            return None
        return cls(int(match[1]), int(match[2]), match[3])
