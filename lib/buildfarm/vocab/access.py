"""Who asks, and how much of what that person may do they have lent to the one who asks for them."""

from dataclasses import dataclass
from enum import Enum

#: Members moderate builders and rescore builds (Launchpad's name, which its tools ask for).
BUILDD_ADMINS = "launchpad-buildd-admins"


class AccessLevel(Enum):
    """What a token allows at most; each includes those before it."""

    READ = "read"
    WRITE = "write"
    ADMINISTER = "administer"

    def includes(self, other: "AccessLevel") -> bool:
        """Whether a token of this level is enough where `other` is asked for."""
        order = list(AccessLevel)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever asks: a person through a token or a session, or, without `person`, anybody.

    `readable` are the private archives whose builds and files they may see, `uploadable` the
    archives that they may submit to and whose builds they may retry and cancel.
    """

    person: str | None = None
    teams: frozenset[str] = frozenset()
    level: AccessLevel = AccessLevel.READ
    readable: frozenset[str] = frozenset()
    uploadable: frozenset[str] = frozenset()

    @property
    def is_admin(self) -> bool:
        """Whether they run the farm: they see all of it."""
        return BUILDD_ADMINS in self.teams


#: Nobody in particular: sees what is public.
ANYBODY = Visitor()
