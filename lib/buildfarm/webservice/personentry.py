"""People and teams, under Launchpad's names.

Layer 5. Tests: tests/functional/webservice/test_people.py.
"""

from http import HTTPStatus

from buildfarm.storage import people
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.people import PersonSnapshot
from buildfarm.webservice.answers import Denied, Elsewhere
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.context import Context
from buildfarm.webservice.declarations import (
    Answer,
    CollectionType,
    EntryType,
    Field,
    Kind,
    Operation,
    Page,
    Parameter,
)


async def find(context: Context, name: str) -> PersonSnapshot | None:
    """The person or team of this name."""
    try:
        return await context.read(people.person_named, name)
    except Refused:
        return None


async def myself(context: Context) -> None:
    """Lead to who asks. Raises Elsewhere, or Denied for anybody without a name."""
    if context.visitor.person is None:
        raise Denied(HTTPStatus.UNAUTHORIZED, "Nobody is logged in.")
    raise Elsewhere(f"~{context.visitor.person}")


async def every(context: Context, wanted: Batch) -> Page:
    """Everybody, by name."""
    found = await context.read(people.people)
    return Page.of(found, wanted)


async def super_teams(context: Context, name: str, wanted: Batch) -> Page | None:
    """The teams of a person."""
    person = await find(context, name)
    return None if person is None else await _named(context, person.teams, wanted)


async def members(context: Context, name: str, wanted: Batch) -> Page | None:
    """The members of a team."""
    if await find(context, name) is None:
        return None
    return await _named(context, await context.read(people.members, name), wanted)


async def _named(context: Context, names: tuple[str, ...], wanted: Batch) -> Page:
    everybody = await context.read(people.people)
    found = [person for person in everybody if person.name in names]
    return Page.of(found, wanted)


async def _get_by_name(context: Context, _subject: None, name: str) -> PersonSnapshot | None:
    return await find(context, name)


_FIELDS = (
    Field("name", lambda person: person.name, "The name in addresses."),
    Field("display_name", lambda person: person.display_name, "The name for reading."),
    Field("is_team", lambda person: person.is_team, "Whether it is a team.", Kind.BOOLEAN),
    Field("is_valid", lambda person: person.active, "Whether they are active.", Kind.BOOLEAN),
    Field("date_created", lambda person: person.created, "Since when.", Kind.TIME),
    Field(
        "super_teams",
        lambda person: f"~{person.name}/super_teams",
        "The teams that they are in.",
        Kind.COLLECTION,
        "team",
    ),
    Field(
        "members",
        lambda person: f"~{person.name}/members",
        "Who is in this team.",
        Kind.COLLECTION,
        "person",
    ),
)


def _path(person: PersonSnapshot) -> str:
    return f"~{person.name}"


def _kind(person: PersonSnapshot) -> str:
    return "team" if person.is_team else "person"


PERSON = EntryType("person", "Somebody who uses the farm.", _path, _FIELDS, kind_of=_kind)
TEAM = EntryType("team", "A team of people.", _path, _FIELDS, kind_of=_kind)

PEOPLE = CollectionType(
    "people",
    "People and teams.",
    "person",
    (
        Operation(
            "getByName",
            _get_by_name,
            "The person or team of this name.",
            (Parameter("name", "The name."),),
            Answer.ENTRY,
            "person",
        ),
    ),
)
