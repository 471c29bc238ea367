"""What becomes of simulated builds: how long each takes, how it ends, what it makes.

Beside the layers. Tests: tests/unit/simulation.

Most packages build. A few never do, each in its own way, which follows from the name and the
version of the package; and now and then a build is given back. No two attempts make the same files.
"""

from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.simulation.world import World
from buildfarm.vocab.states import BuildOutcome

#: How the builds of packages end, and how many in a hundred.
_ENDINGS = {
    BuildOutcome.OK: 88,
    BuildOutcome.PACKAGEFAIL: 6,
    BuildOutcome.DEPFAIL: 3,
    BuildOutcome.CHROOTFAIL: 1,
    BuildOutcome.GIVENBACK: 2,
}

_LOG = b"RUN: builder-prep\nThe build went as its script says.\n" * 8


def ending_of(world: World, source: str, version: str) -> BuildOutcome:
    """How every undisturbed build of this version ends."""
    chance = world.chance(f"package {source} {version}")
    return chance.choices(list(_ENDINGS), list(_ENDINGS.values()))[0]


def script_for(world: World, order: Order) -> Script:
    """What becomes of this attempt."""
    dsc = next(name for name in order.filemap if name.endswith(".dsc"))
    source, version = dsc.removesuffix(".dsc").split("_")
    chance = world.chance(f"attempt {order.build_id}")
    outcome = ending_of(world, source, version)
    if outcome is BuildOutcome.GIVENBACK and chance.random() < 0.5:
        outcome = BuildOutcome.OK
    tag = str(order.args["arch_tag"])
    stem = f"{source}_{version}_{tag}"
    made = f"made by {order.build_id}".encode()
    results = {f"{stem}.deb": made, f"{stem}.changes": b"Files: " + made}
    return Script(
        outcome,
        1.0 + chance.expovariate(1 / 6.0),
        results if outcome is BuildOutcome.OK else {},
        "libmissing-dev" if outcome is BuildOutcome.DEPFAIL else "",
        _LOG,
        abort_seconds=chance.choice((0.5, 2.0, 2.0, None)),
    )
