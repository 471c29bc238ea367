"""Each hostile builder alone on a farm with a healthy one, against the real client and scanner."""

from collections.abc import Awaitable, Callable, Iterable

from buildfarm.farmtesting.hostile.behaviour import Behaviour
from buildfarm.farmtesting.hostile.conduct import CONDUCT
from buildfarm.farmtesting.hostile.logs import HOSTILE_LOGS
from buildfarm.farmtesting.hostile.markup import MARKUP
from buildfarm.farmtesting.hostile.packages import PACKAGES
from buildfarm.farmtesting.hostile.results import RESULTS
from buildfarm.farmtesting.hostile.transport import TRANSPORT
from tests.functional.hostile.scene import HOSTILE, HostileTestCase


class AloneTestCase(HostileTestCase):
    """What holds whatever a builder does."""

    async def face(self, behaviour: Behaviour) -> None:
        """It is judged as it should be, and leaves nothing behind."""
        hostile = await self.add_hostile(behaviour)
        await self.until_judged({HOSTILE: behaviour})
        await self.assert_others_are_served()
        await self.assert_archive_is_unchanged()
        self.assert_nothing_outside_the_spool()
        await hostile.stop()
        await self.assert_nothing_is_kept()


def facing(behaviour: Behaviour) -> Callable[[AloneTestCase], Awaitable[None]]:
    """The test of one behaviour."""

    async def test(self: AloneTestCase) -> None:
        await self.face(behaviour)

    blamed = f"is judged as {behaviour.judged.value}"
    test.__doc__ = f"A builder that {behaviour.does} {blamed}; the others do not notice."
    return test


def facing_all(behaviours: Iterable[Behaviour]) -> Callable[[type], type]:
    """Gives a class the tests of these behaviours."""

    def with_tests(case: type) -> type:
        for behaviour in behaviours:
            name = f"test_{behaviour.name}".replace("-", "_")
            setattr(case, name, facing(behaviour))
        return case

    return with_tests


@facing_all(TRANSPORT)
class TransportTests(AloneTestCase):
    """Silence, floods, broken HTTP, redirects, connections cut."""


@facing_all(MARKUP)
class MarkupTests(AloneTestCase):
    """XML that is deep, huge, or dangerous."""


@facing_all(CONDUCT)
class ConductTests(AloneTestCase):
    """Lies about what the builder is doing."""


@facing_all(RESULTS)
class ResultsTests(AloneTestCase):
    """Names that are paths, contents that are not what was announced."""


@facing_all(HOSTILE_LOGS)
class LogTests(AloneTestCase):
    """Logs that are a trap for whoever shows them."""


@facing_all(PACKAGES)
class PackagesTests(AloneTestCase):
    """Packages that the check has to refuse."""
