"""The verbs of people: who they are, their teams, their rights in archives.

Layer 5. Tests: tests/functional/admin/test_people.py.
"""

from buildfarm.admin.farm import Caller, Farm
from buildfarm.storage import people
from buildfarm.vocab.people import ArchiveRight, PersonSnapshot


async def add(
    farm: Farm, caller: Caller, *, name: str, display_name: str = "", is_team: bool = False
) -> PersonSnapshot:
    """Add a person or a team."""
    now = farm.utc_now()
    return await farm.transactor.write(
        people.add_person, name, display_name, is_team, caller.actor, now
    )


async def list_people(farm: Farm, caller: Caller) -> tuple[PersonSnapshot, ...]:
    """Everybody, by name."""
    return await farm.transactor.read(people.people)


async def change(farm: Farm, caller: Caller, *, name: str, active: bool) -> PersonSnapshot:
    """Let somebody in again, or let nobody in with what is theirs."""
    now = farm.utc_now()
    return await farm.transactor.write(people.set_active, name, active, caller.actor, now)


async def join(farm: Farm, caller: Caller, *, name: str, team: str) -> PersonSnapshot:
    """Make somebody a member of a team."""
    return await farm.transactor.write(people.join, name, team, caller.actor, farm.utc_now())


async def leave(farm: Farm, caller: Caller, *, name: str, team: str) -> PersonSnapshot:
    """End a membership."""
    return await farm.transactor.write(people.leave, name, team, caller.actor, farm.utc_now())


async def grant(
    farm: Farm, caller: Caller, *, archive: str, name: str, right: ArchiveRight
) -> None:
    """Let a person or a team read a private archive, or upload to an archive."""
    now = farm.utc_now()
    await farm.transactor.write(people.grant, archive, name, right, caller.actor, now)


async def withdraw(
    farm: Farm, caller: Caller, *, archive: str, name: str, right: ArchiveRight
) -> None:
    """Take back what `grant` gave."""
    now = farm.utc_now()
    await farm.transactor.write(people.withdraw, archive, name, right, caller.actor, now)
