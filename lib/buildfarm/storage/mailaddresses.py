"""Where people want to be told by mail, and which of them may be told of a build.

Layer 3. Tests: tests/unit/storage/test_mailaddresses.py.
"""

from datetime import datetime
from typing import Any

from storm.expr import And, Join, Or, Select, Update

from buildfarm.storage.acts import Committed
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.people import person_named
from buildfarm.storage.tables import Archive, ArchiveRight, Membership, Person
from buildfarm.vocab.access import BUILDD_ADMINS
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.news import Notice, is_mail_address


def mail_address(store: Any, name: str) -> str | None:
    """Where this person wants mail. Raises Refused where there is no such person."""
    person = person_named(store, name)
    (mail,) = store.execute(Select(Person.mail, Person.id == person.id)).get_one()
    return None if mail is None else str(mail)


def set_mail_address(
    store: Any, name: str, mail: str | None, actor: str, now: datetime
) -> Committed[str | None]:
    """Send a person's mail there; with None, send none. Raises Refused for what is no address."""
    person = person_named(store, name)
    if mail is not None and not is_mail_address(mail):
        raise Refused(f"{mail!r} is no mail address: write it as name@host.example, in ASCII.")
    store.execute(Update({Person.mail: mail}, Person.id == person.id), noresult=True)
    told = "was given a mail address" if mail else "has no mail address any more"
    record(store, now, [Change(Place(), f"{name} {told}")], actor)
    return Committed(mail)


def address_of_requester(store: Any, notice: Notice) -> str | None:
    """Where the requester of the notice's build is told of it; None where nobody is.

    They must be an active person with an address, and still be allowed to see the archive.
    """
    if notice.build is None:
        return None
    known = And(Person.name == notice.build.requester, Person.active == True)  # noqa: E712
    row = store.execute(Select((Person.id, Person.mail), known)).get_one()
    if row is None or row[1] is None:
        return None
    person_id, mail = row
    if notice.build.private and not _may_see(store, person_id, notice.build.archive):
        return None
    return str(mail)


def _may_see(store: Any, person_id: int, archive: str) -> bool:
    """Whether this person has any right in the archive, moderates, or is in a team that does."""
    teams = Select(Membership.team_id, Membership.person_id == person_id)
    admin = Select(Person.id, And(Person.id.is_in(teams), Person.name == BUILDD_ADMINS))
    if store.execute(admin).get_one() is not None:
        return True
    theirs = Or(ArchiveRight.person_id == person_id, ArchiveRight.person_id.is_in(teams))
    right = Select(
        ArchiveRight.id,
        And(Archive.name == archive, theirs),
        [ArchiveRight, Join(Archive, Archive.id == ArchiveRight.archive_id)],
        limit=1,
    )
    return store.execute(right).get_one() is not None
