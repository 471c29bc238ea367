"""People, teams, and the tokens that let a script or a browser act for a person."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from buildfarm.vocab.access import AccessLevel


class ArchiveRight(Enum):
    """What a person or a team may do with an archive, besides what everybody may."""

    READ = "read"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class PersonSnapshot:
    """A person, or a team of people. `teams` are the names of those it is a member of, sorted."""

    id: int
    name: str
    display_name: str
    is_team: bool
    active: bool
    created: datetime
    teams: tuple[str, ...] = ()


class TokenKind(Enum):
    """What a token is for.

    ACCESS: a client acts with it. REQUEST: a client asks for one, and a person has yet to say
    yes. LOGIN: good once, for a browser. SESSION: a browser has it in its cookie.
    """

    ACCESS = "access"
    REQUEST = "request"
    LOGIN = "login"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Secret:
    """A key that names a token, and what proves that one has it, of which a digest is kept.

    `secret_sha256` is enough: the secret is 256 random bits, which nobody finds by trying.
    """

    key: str
    secret_sha256: str


@dataclass(frozen=True, slots=True)
class TokenSnapshot:
    """One token. `person` is None for a request that nobody has answered yet.

    `purpose` is what a person wrote beside it, `consumer` the name that the client gave itself.
    Times are naive UTC; a token that was revoked or has `expires` behind it is good for nothing.
    `used` is the day on which it was last used, to within a day.
    """

    id: int
    kind: TokenKind
    key: str
    secret_sha256: str
    person: str | None
    level: AccessLevel | None
    consumer: str
    purpose: str
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    used: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether it still stands at `now`."""
        return self.revoked is None and (self.expires is None or now < self.expires)
