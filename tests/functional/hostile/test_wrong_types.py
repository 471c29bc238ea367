"""Every field of every reply with every type of XML-RPC that it should not have.

For each field one farm, on which there is a builder for each type, all at once.
"""

from collections.abc import Awaitable, Callable

from buildfarm.farmtesting.hostile.wrongtypes import FIELDS, TYPES, Field, behaviour
from tests.functional.hostile.scene import HostileTestCase


class WrongTypesTests(HostileTestCase):
    """One test for each field; they are made below."""

    async def face(self, field: Field) -> None:
        """Each is judged as the builder's fault, and the farm goes on without them."""
        hostile = {
            f"mallory-{kind.lower()}": behaviour(field, kind)
            for kind in TYPES
            if kind not in field.takes
        }
        builders = [await self.add_hostile(one, name) for name, one in hostile.items()]
        await self.until_judged(hostile)
        await self.assert_others_are_served(hostile)
        await self.assert_archive_is_unchanged()
        self.assert_nothing_outside_the_spool()
        for builder in builders:
            await builder.stop()
        await self.assert_nothing_is_kept()


def facing(field: Field) -> Callable[[WrongTypesTests], Awaitable[None]]:
    """The test of one field."""

    async def test(self: WrongTypesTests) -> None:
        await self.face(field)

    test.__doc__ = f"The {field.name} of `{field.method}` in every type but its own."
    return test


for _field in FIELDS:
    _name = f"test_{_field.method}_{_field.name}".replace("-", "_")
    setattr(WrongTypesTests, _name, facing(_field))
