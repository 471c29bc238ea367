"""The people of a simulated farm: who submits, who changes their mind, and who looks after it.

Beside the layers. Tests: tests/unit/simulation.
"""

from storm.expr import Select

from buildfarm.simulation.farm import Farm
from buildfarm.simulation.plan import Request, Upload, Wish
from buildfarm.storage import builds, roster
from buildfarm.storage.tables import Build
from buildfarm.vocab.submission import SourcePackage, Submission, WantedBuild

#: Seconds between two rounds of the operator.
_ROUND = 60.0

#: Seconds between two looks of an archive's readers.
_READ = 3.0

#: Seconds for which somebody keeps a builder.
_KEPT = 30.0


def submit(farm: Farm, upload: Upload) -> None:
    """Submit a version of a source package."""
    content = f"{upload.source} {upload.version} {upload.archive}".encode()
    dsc = farm.keep(f"{upload.source}_{upload.version}.dsc", content)
    submission = Submission(
        source=SourcePackage(upload.source, upload.version, ("any",), (upload.source,), (dsc,)),
        archive=upload.archive,
        suite="bookworm",
        builds=tuple(WantedBuild(tag, arch_indep=False) for tag in upload.architectures),
        score=upload.score,
        requester="people",
    )
    what = f"submit {upload.source} {upload.version} to {upload.archive}"
    farm.ask(what, builds.submit, submission)


def ask_for(farm: Farm, request: Request) -> None:
    """Have somebody ask for what the plan says."""
    if request.wish in (Wish.MANUAL, Wish.REMOVE):
        _ask_for_builder(farm, request)
        return
    with farm.database.looked_into() as store:
        found = [row[0] for row in store.execute(Select(Build.id, order_by=Build.id)).get_all()]
    if not found:
        return
    build_id = found[request.number % len(found)]
    what = f"{request.wish.value}: {build_id}"
    match request.wish:
        case Wish.CANCEL:
            farm.ask(what, builds.cancel, build_id)
        case Wish.RETRY:
            farm.ask(what, builds.retry, build_id, False)
        case Wish.REBUILD:
            farm.ask(what, builds.retry, build_id, True)
        case Wish.RESCORE:
            farm.ask(what, builds.rescore, build_id, request.number % 1000)


def _ask_for_builder(farm: Farm, request: Request) -> None:
    name = farm.plan.builders[request.number % len(farm.plan.builders)].name
    what = f"{request.wish.value}: {name}"
    if request.wish is Wish.MANUAL:
        farm.ask(what, roster.change_builder, name, {"manual": True})
        give_back = lambda: farm.ask(  # noqa: E731
            f"give {name} back", roster.change_builder, name, {"manual": False}
        )
        farm.world.callLater(_KEPT, give_back)
        return
    farm.ask(what, roster.remove_builder, name, request.number % 2 == 0)
    farm.world.callLater(_KEPT, lambda: farm.add_again(name))


def read_archives(farm: Farm) -> None:
    """Have the archives' readers take what is new in them, now and from now on."""
    for archive in farm.archives.values():
        archive.read(farm.world.seconds())
    farm.world.callLater(_READ, read_archives, farm)


class Operator:
    """Looks at the farm now and then, and puts back into service what was taken out."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm

    def start(self) -> None:
        """Make rounds from now on."""
        self._farm.world.callLater(_ROUND, self._round)

    def _round(self) -> None:
        with self._farm.database.looked_into() as store:
            found = roster.builders(store)
        there = {builder.name for builder in found}
        for builder in found:
            if not builder.builderok:
                what = f"{builder.name} is repaired"
                self._farm.ask(what, roster.change_builder, builder.name, {"builderok": True})
            if builder.manual:
                what = f"give {builder.name} back"
                self._farm.ask(what, roster.change_builder, builder.name, {"manual": False})
        for planned in self._farm.plan.builders:
            if planned.name not in there:
                self._farm.add_again(planned.name)
        self._farm.world.callLater(_ROUND, self._round)
