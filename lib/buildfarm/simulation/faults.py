"""Faults of a plan, as they befall a simulated farm, and their end.

Beside the layers. Tests: tests/unit/simulation.

One function per kind: it does the harm, and returns what undoes it, or None where nothing lasts.
"""

from collections.abc import Callable, Mapping
from functools import partial

from buildfarm.simulation.farm import Farm
from buildfarm.simulation.hostility import hostile_daemon
from buildfarm.simulation.machines import Machine
from buildfarm.simulation.memorydatabase import DatabaseFault
from buildfarm.simulation.plan import Fault, Kind
from buildfarm.wire.builderrpc import Value

Undo = Callable[[], None]

_METHODS = ("status", "ensurepresent", "build", "abort", "clean")

#: What a lying daemon says for `status` instead of the truth.
_LIES: tuple[Value, ...] = (
    {"builder_status": "BuilderStatus.IDLE"},
    {"builder_status": "BuilderStatus.BUILDING", "build_id": "PACKAGEBUILD-1-1-00000000"},
    {"builder_status": "BuilderStatus.WAITING", "build_id": "x", "build_status": "BuildStatus.OK"},
    {"builder_status": "BuilderStatus.DANCING"},
    "hello",
)


def befall(farm: Farm, fault: Fault) -> None:
    """Let `fault` begin now, and end after its time."""
    subject, undo = _FAULTS[fault.kind](farm, fault)
    farm.world.note(subject, f"{fault.kind.words} ({fault.seconds:.0f} s)")
    if undo is not None:

        def end() -> None:
            farm.world.note(subject, f"no more: {fault.kind.words}")
            undo()

        farm.world.callLater(fault.seconds, end)


def target_of(farm: Farm, fault: Fault) -> Machine:
    """The machine that a fault of one builder befalls."""
    (name,) = farm.plan.befallen(fault)
    return next(machine for machine in farm.machines if machine.name == name)


def _power_cut(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    machine = target_of(farm, fault)
    machine.lose_power()
    return machine.name, machine.start


def _daemon_restart(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    machine = target_of(farm, fault)
    machine.restart_daemon()
    return machine.name, None


def _hang(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    machine = target_of(farm, fault)
    machine.daemon.hang()
    return machine.name, machine.daemon.wake


def _lost_reply(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    machine = target_of(farm, fault)
    method = _METHODS[fault.number // len(farm.machines) % len(_METHODS)]
    machine.daemon.lose_reply_to.add(method)
    return machine.name, lambda: machine.daemon.lose_reply_to.discard(method)


def _lie(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    machine = target_of(farm, fault)
    machine.daemon.lies["status"] = _LIES[fault.number // len(farm.machines) % len(_LIES)]
    return machine.name, machine.daemon.lies.clear


def _hostile(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    machine = target_of(farm, fault)
    machine.be_hostile(hostile_daemon(farm.world, fault.number, machine.fetch))
    return machine.name, machine.be_honest


def _reset_goes(wrong: str, farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    machine = target_of(farm, fault)
    farm.resets.wrong[machine.name] = wrong

    def undo() -> None:
        farm.resets.wrong.pop(machine.name, None)

    return machine.name, undo


def _slow(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    machine = target_of(farm, fault)
    machine.link.slowness = 0.5

    def undo() -> None:
        machine.link.slowness = 0.0

    return machine.name, undo


def _partition(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    names = farm.plan.befallen(fault)
    links = [machine.link for machine in farm.machines if machine.name in names]
    links = [link for link in links if not link.cut]
    for link in links:
        link.cut = True

    def undo() -> None:
        for link in links:
            link.heal()

    return f"network {' '.join(names)}", undo


def _kill(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    farm.kill_manager()
    return "manager", farm.start_manager


def _kill_at_step(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    left = fault.number % 40

    def at_step(name: str) -> bool:
        nonlocal left
        left -= 1
        if left >= 0:
            return False
        farm.at_step = _nowhere
        farm.world.callLater(fault.seconds, farm.start_manager)
        return True

    farm.at_step = at_step
    return "manager", None


def _nowhere(name: str) -> bool:
    return False


def _stop(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    farm.stop_manager()
    farm.world.callLater(fault.seconds + 15.0, farm.start_manager)
    return "manager", None


def _clock_jump(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    jump = (-600.0, -90.0, 45.0, 5400.0)[fault.number % 4]
    farm.skew += jump
    return "manager", None


def _disk_full(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    farm.disk.full = True

    def undo() -> None:
        farm.disk.full = False

    return "manager", undo


def _database(wrong: DatabaseFault, farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    farm.database.fault = wrong

    def undo() -> None:
        farm.database.fault = None

    return "manager", undo


def _archive(trouble: str, farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    names = sorted(farm.archives)
    archive = farm.archives[names[fault.number % len(names)]]
    archive.trouble = trouble

    def undo() -> None:
        archive.trouble = None

    return f"archive {archive.name}", undo


def _children_die(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    farm.luck.deadly = 4

    def undo() -> None:
        farm.luck.deadly = 0

    return "upload children", undo


def _children_hang(farm: Farm, fault: Fault) -> tuple[str, Undo | None]:
    farm.luck.hanging = 8

    def undo() -> None:
        farm.luck.hanging = 0

    return "upload children", undo


_FAULTS: Mapping[Kind, Callable[[Farm, Fault], tuple[str, Undo | None]]] = {
    Kind.POWER_CUT: _power_cut,
    Kind.DAEMON_RESTART: _daemon_restart,
    Kind.HANG: _hang,
    Kind.LOST_REPLY: _lost_reply,
    Kind.LIE: _lie,
    Kind.HOSTILE: _hostile,
    Kind.RESET_FAILS: partial(_reset_goes, "fails"),
    Kind.RESET_HANGS: partial(_reset_goes, "hangs"),
    Kind.RESET_LIES: partial(_reset_goes, "lies"),
    Kind.SLOW: _slow,
    Kind.PARTITION: _partition,
    Kind.KILL: _kill,
    Kind.KILL_AT_STEP: _kill_at_step,
    Kind.STOP: _stop,
    Kind.CLOCK_JUMP: _clock_jump,
    Kind.DISK_FULL: _disk_full,
    Kind.DATABASE_LOCKED: partial(_database, DatabaseFault.LOCKED),
    Kind.DATABASE_FULL: partial(_database, DatabaseFault.FULL),
    Kind.DATABASE_BROKEN: partial(_database, DatabaseFault.BROKEN),
    Kind.ARCHIVE_REFUSES: partial(_archive, "refuses"),
    Kind.ARCHIVE_HANGS: partial(_archive, "hangs"),
    Kind.CHILDREN_DIE: _children_die,
    Kind.CHILDREN_HANG: _children_hang,
}
