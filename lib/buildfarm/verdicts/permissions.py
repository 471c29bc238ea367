"""What a visitor may see and do: one table, for the web service and the pages alike.

| deed | who | level of the token |
| --- | --- | --- |
| see a public archive, its builds, any builder | anybody | read |
| see a private archive and what belongs to it | its readers and uploaders, moderators | read |
| submit, retry, cancel | uploaders of the archive, moderators | write |
| rescore | moderators | write |
| change, add, reset a builder | moderators | administer |

Moderators are the members of the team `launchpad-buildd-admins`, as on Launchpad.

Layer 1: pure. Tests: tests/unit/verdicts/test_permissions.py.
"""

from collections.abc import Sequence
from enum import Enum

from buildfarm.vocab.access import BUILDD_ADMINS, AccessLevel, Visitor


class Deed(Enum):
    """What somebody wants to do, as the refusal says it."""

    SUBMIT = "submit sources"
    RETRY = "retry a build"
    CANCEL = "cancel a build"
    RESCORE = "rescore a build"
    MODERATE = "change a builder"


#: The level that each deed needs.
LEVELS: dict[Deed, AccessLevel] = {
    Deed.SUBMIT: AccessLevel.WRITE,
    Deed.RETRY: AccessLevel.WRITE,
    Deed.CANCEL: AccessLevel.WRITE,
    Deed.RESCORE: AccessLevel.WRITE,
    Deed.MODERATE: AccessLevel.ADMINISTER,
}

#: What everybody may know of trouble whose reason may name paths, or something private.
OWN_TROUBLE = "the farm has trouble of its own, which those who run it are told of"

#: Deeds that uploaders of the archive may do; the others are moderators' alone.
_UPLOADERS = frozenset({Deed.SUBMIT, Deed.RETRY, Deed.CANCEL})


def may_see(visitor: Visitor, archive: str, *, private: bool) -> bool:
    """Whether `visitor` may know of what belongs to `archive`."""
    if not private or visitor.is_admin:
        return True
    return archive in visitor.readable or archive in visitor.uploadable


def private_seen(visitor: Visitor) -> frozenset[str] | None:
    """The private archives that `visitor` may know of; None means all of them.

    Visitors of whom it is the same may see the same.
    """
    return None if visitor.is_admin else visitor.readable | visitor.uploadable


def told_of_own_trouble(seen: frozenset[str] | None, sentences: Sequence[str]) -> tuple[str, ...]:
    """What of trouble of the farm's own is told to who may know of the private archives `seen`.

    The sentences are about disks and archives, and may name paths and builds: others than
    moderators (None) learn that there is some.
    """
    if seen is None or not sentences:
        return tuple(sentences)
    return (OWN_TROUBLE,)


def refusal(visitor: Visitor, deed: Deed, archive: str | None = None) -> str | None:
    """Why `visitor` may not do `deed`, in `archive` if it belongs to one; None where they may."""
    if visitor.person is None:
        return f"To {deed.value} you have to log in, or use a token."
    if not visitor.level.includes(LEVELS[deed]):
        return (
            f"This token of {visitor.person} allows {visitor.level.value}; "
            f"to {deed.value} takes {LEVELS[deed].value}."
        )
    if visitor.is_admin or (deed in _UPLOADERS and archive in visitor.uploadable):
        return None
    if deed in _UPLOADERS:
        return f"{visitor.person} may not {deed.value} in the archive {archive}."
    return f"{visitor.person} is not in {BUILDD_ADMINS}, who alone may {deed.value}."
