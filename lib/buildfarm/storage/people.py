"""People and teams, and what they may do with archives.

Layer 3. Tests: tests/unit/storage/test_people.py.
"""

from datetime import datetime
from typing import Any

from storm.expr import And, Delete, Insert, Join, Select, Update

from buildfarm.storage.acts import Committed
from buildfarm.storage.archives import archive_named
from buildfarm.storage.events import Change, Place, record
from buildfarm.storage.rows import columns, time_of
from buildfarm.storage.tables import Archive, Membership, Person
from buildfarm.storage.tables import ArchiveRight as ArchiveRightTable
from buildfarm.vocab.announcements import PeopleChanged
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.names import is_name
from buildfarm.vocab.people import ArchiveRight, PersonSnapshot

_CHANGED = (PeopleChanged(),)

_COLUMNS = columns(Person, "id", "name", "display_name", "is_team", "active", "created")


def people(store: Any) -> tuple[PersonSnapshot, ...]:
    """Every person and team, by name."""
    teams: dict[int, list[str]] = {}
    pairs = Select(
        (Membership.person_id, Person.name),
        tables=[Membership, Join(Person, Person.id == Membership.team_id)],
        order_by=Person.name,
    )
    for person_id, team in store.execute(pairs).get_all():
        teams.setdefault(person_id, []).append(team)
    select = Select(_COLUMNS, tables=[Person], order_by=Person.name)
    return tuple(_read(row, teams.get(row[0], [])) for row in store.execute(select).get_all())


def person_named(store: Any, name: str) -> PersonSnapshot:
    """The person or team of this name. Raises Refused where there is none."""
    row = store.execute(Select(_COLUMNS, Person.name == name)).get_one()
    if row is None:
        raise Refused(f"There is nobody called {name!r}.")
    teams = Select(
        Person.name,
        Membership.person_id == row[0],
        [Membership, Join(Person, Person.id == Membership.team_id)],
        order_by=Person.name,
    )
    return _read(row, [team for (team,) in store.execute(teams).get_all()])


def members(store: Any, team: str) -> tuple[str, ...]:
    """The names of a team's members, sorted."""
    found = Select(
        Person.name,
        Membership.team_id == person_named(store, team).id,
        [Membership, Join(Person, Person.id == Membership.person_id)],
        order_by=Person.name,
    )
    return tuple(name for (name,) in store.execute(found).get_all())


def add_person(
    store: Any, name: str, display_name: str, is_team: bool, actor: str, now: datetime
) -> Committed[PersonSnapshot]:
    """Add a person or a team. Raises Refused for a bad name and one that is taken."""
    if not is_name(name):
        raise Refused(f"{name!r} is no name: use a-z, 0-9, '.', '+' and '-'.")
    if store.execute(Select(Person.id, Person.name == name)).get_one() is not None:
        raise Refused(f"There is somebody called {name} already.")
    row = {
        Person.name: name,
        Person.display_name: display_name or name,
        Person.is_team: is_team,
        Person.active: True,
        Person.created: now,
    }
    store.execute(Insert(row), noresult=True)
    kind = "team" if is_team else "person"
    record(store, now, [Change(Place(), f"the {kind} {name} was added")], actor)
    return Committed(person_named(store, name))


def set_active(
    store: Any, name: str, active: bool, actor: str, now: datetime
) -> Committed[PersonSnapshot]:
    """Let a person's tokens be good again, or good for nothing. Raises Refused for a team.

    A team has none: its members would keep what it lets them do.
    """
    person = person_named(store, name)
    if person.is_team and not active:
        raise Refused(
            f"{name} is a team, which has no tokens: let its members leave it, or take back its "
            "rights in archives."
        )
    store.execute(Update({Person.active: active}, Person.id == person.id), noresult=True)
    word = "activated" if active else "deactivated"
    record(store, now, [Change(Place(), f"{name} was {word}")], actor)
    return Committed(person_named(store, name), _CHANGED)


def join(store: Any, name: str, team: str, actor: str, now: datetime) -> Committed[PersonSnapshot]:
    """Make a person a member of a team. Teams have no teams for members: Refused."""
    person, joined = person_named(store, name), person_named(store, team)
    if not joined.is_team or person.is_team:
        raise Refused(f"{name} cannot join {team}: people join teams, and nothing else does.")
    if team not in person.teams:
        row = {Membership.team_id: joined.id, Membership.person_id: person.id}
        store.execute(Insert(row), noresult=True)
        record(store, now, [Change(Place(), f"{name} joined {team}")], actor)
    return Committed(person_named(store, name), _CHANGED)


def leave(store: Any, name: str, team: str, actor: str, now: datetime) -> Committed[PersonSnapshot]:
    """End a membership. Raises Refused where there is none."""
    person, left = person_named(store, name), person_named(store, team)
    gone = And(Membership.team_id == left.id, Membership.person_id == person.id)
    if store.execute(Delete(gone, Membership)).rowcount != 1:
        raise Refused(f"{name} is no member of {team}.")
    record(store, now, [Change(Place(), f"{name} left {team}")], actor)
    return Committed(person_named(store, name), _CHANGED)


def grant(
    store: Any, archive: str, name: str, right: ArchiveRight, actor: str, now: datetime
) -> Committed[None]:
    """Let a person or a team read a private archive, or upload to an archive."""
    owner, person = archive_named(store, archive), person_named(store, name)
    if right not in _rights(store, owner.id, person.id):
        row = {
            ArchiveRightTable.archive_id: owner.id,
            ArchiveRightTable.person_id: person.id,
            ArchiveRightTable.kind: right.value,
        }
        store.execute(Insert(row), noresult=True)
        told = f"{name} may {right.value} in the archive {archive}"
        record(store, now, [Change(Place(), told)], actor)
    return Committed(None, _CHANGED)


def withdraw(
    store: Any, archive: str, name: str, right: ArchiveRight, actor: str, now: datetime
) -> Committed[None]:
    """Take back what `grant` gave. Raises Refused where it did not."""
    owner, person = archive_named(store, archive), person_named(store, name)
    gone = And(
        ArchiveRightTable.archive_id == owner.id,
        ArchiveRightTable.person_id == person.id,
        ArchiveRightTable.kind == right.value,
    )
    if store.execute(Delete(gone, ArchiveRightTable)).rowcount != 1:
        raise Refused(f"{name} had no right to {right.value} in the archive {archive}.")
    told = f"{name} may no longer {right.value} in the archive {archive}"
    record(store, now, [Change(Place(), told)], actor)
    return Committed(None, _CHANGED)


def archive_rights(store: Any) -> dict[str, dict[ArchiveRight, frozenset[str]]]:
    """Who has which right in which archive: names of people and of teams."""
    found: dict[str, dict[ArchiveRight, set[str]]] = {}
    select = Select(
        (Archive.name, ArchiveRightTable.kind, Person.name),
        tables=[
            ArchiveRightTable,
            Join(Archive, Archive.id == ArchiveRightTable.archive_id),
            Join(Person, Person.id == ArchiveRightTable.person_id),
        ],
    )
    for archive, kind, name in store.execute(select).get_all():
        found.setdefault(archive, {}).setdefault(ArchiveRight(kind), set()).add(name)
    return {
        archive: {right: frozenset(names) for right, names in rights.items()}
        for archive, rights in found.items()
    }


def _rights(store: Any, archive_id: int, person_id: int) -> set[ArchiveRight]:
    own = And(ArchiveRightTable.archive_id == archive_id, ArchiveRightTable.person_id == person_id)
    rows = store.execute(Select(ArchiveRightTable.kind, own)).get_all()
    return {ArchiveRight(kind) for (kind,) in rows}


def _read(row: Any, teams: list[str]) -> PersonSnapshot:
    person_id, name, display_name, is_team, active, created = row
    return PersonSnapshot(
        person_id, name, display_name, bool(is_team), bool(active), time_of(created), tuple(teams)
    )
