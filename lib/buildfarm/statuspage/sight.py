"""Whether who asks may see a build: those of private archives are nothing to others.

Layer 5. Tests: tests/functional/statuspage/test_builds.py.
"""

from buildfarm.statuspage.answers import missing
from buildfarm.statuspage.routes import Visit
from buildfarm.storage.listings import ListedBuild, listed_build
from buildfarm.storage.transactor import Transactor
from buildfarm.verdicts.permissions import may_see
from buildfarm.vocab.access import Visitor


def is_seen(visitor: Visitor, listed: ListedBuild) -> bool:
    """Whether `visitor` may know of this build."""
    return may_see(visitor, listed.build.archive, private=listed.private)


def build_id(visit: Visit) -> int:
    """The number on the path. Raises Declined where it is none."""
    text = visit.places["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise missing("such build")
    return int(text)


async def fetch_seen(storage: Transactor, visit: Visit) -> ListedBuild:
    """The build that the path names. Raises Declined where there is none that they may see."""
    found = await storage.read(listed_build, build_id(visit))
    if found is None or not is_seen(visit.visitor, found):
        raise missing("such build")
    return found
