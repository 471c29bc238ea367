"""Who asks, and how much of what that person may do they have lent to the one who asks for them."""

from dataclasses import dataclass, field
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
    """Whoever asks: a person through a token or a session, or, without `person`, anybody."""

    person: str | None = None
    teams: frozenset[str] = field(default_factory=frozenset)
    level: AccessLevel = AccessLevel.READ

    @property
    def is_admin(self) -> bool:
        """Whether they moderate builders."""
        return BUILDD_ADMINS in self.teams


#: Nobody in particular: sees what is public.
ANYBODY = Visitor()
