"""`stall`: how late a timer of 10 ms fires in the manager's reactor when much goes on at once.

32 uploads block, each in a program of an archive of its own; 50 reset commands are started and
run; and 8 builders have results of 256 MiB gathered from them, all at once, round after round.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from bench import processes
from bench.farm import TREE, Builders, Manager, wait_for
from bench.figures import Figure, told, under
from bench.lateness import Lateness, lateness
from bench.peers.buildbot.run import run
from bench.sources import ARCHITECTURE

UPLOADS = 32
RESETS = 50
GATHERS = 8

RESULT_SIZE = 256 * 1024 * 1024

#: Results that each of those builders makes, one after the other: with three, the probe ticks more
#: than a thousand times meanwhile.
ROUNDS = 3

#: Seconds that each of these builds takes: all of them end together.
_BUILD = 2.0

#: Seconds in which each thing must have happened.
_DEADLINE = 180.0


def figures() -> list[Figure]:
    """Lateness of the manager's reactor, an idle reactor's at the same time, and the peer's."""
    ours, floor = _ours()
    peer = run("stall", GATHERS, GATHERS, size=RESULT_SIZE)
    theirs = lateness(peer.ticks, *peer.window)
    return rows(ours, floor, theirs)


def rows(ours: Lateness, floor: Lateness, peer: Lateness) -> list[Figure]:
    """The rows of the table."""
    return [
        under("stall: lateness of a 10 ms timer, p99.9", "ms", ours.p999, peer.p999, 20.0),
        told("stall: the largest", "ms", ours.largest, peer.largest),
        told("stall: p99", "ms", ours.p99, peer.p99),
        told("stall: median", "ms", ours.median, peer.median),
        told("stall: an idle reactor meanwhile, p99.9", "ms", floor.p999, None),
        told("stall: an idle reactor meanwhile, largest", "ms", floor.largest, None),
    ]


def _ours() -> tuple[Lateness, Lateness]:
    with tempfile.TemporaryDirectory(prefix="bench-stall-") as scratch:
        directory = Path(scratch)
        gate = _Gate(directory)
        settings = {
            "uploads": {"threads": UPLOADS},
            "resets": {"command": [str(gate.program("reset"))], "per_vm_host": RESETS},
        }
        report, floor = directory / "report.json", directory / "floor.json"
        small = Builders(directory, GATHERS, seconds=0.0, size=4096, prepare=UPLOADS)
        large = Builders(
            directory,
            GATHERS,
            first=100,
            processes=4,
            seconds=_BUILD,
            size=RESULT_SIZE,
            shared=True,
        )
        virtual = Builders(directory, RESETS, first=200, seconds=0.0)
        idle = subprocess.Popen([sys.executable, "-m", "bench.floor", str(floor)], cwd=TREE)
        try:
            with Manager(directory, settings, report) as manager:
                try:
                    _block_uploads(manager, small, gate)
                    begun, ended = _measure(manager, large, virtual, gate)
                finally:
                    gate.open()
        finally:
            for builders in (small, large, virtual):
                builders.close()
            processes.end(idle)
        return (
            lateness(json.loads(report.read_text())["ticks"], begun, ended),
            lateness(json.loads(floor.read_text())["ticks"], begun, ended),
        )


def _block_uploads(manager: Manager, builders: Builders, gate: "_Gate") -> None:
    """Have a build for each archive built, and see each one's uploader block."""
    program = gate.program("upload")
    for number in range(UPLOADS):
        manager.add_archive(f"blocked-{number}", "command", program)
    names = manager.add_builders(builders.urls, "small")
    for number in range(UPLOADS):
        manager.submit(number, f"blocked-{number}")
    wait_for(lambda: gate.waiting("upload") == UPLOADS, _DEADLINE, "the uploads block")
    for name in names:
        manager.ask("builder.set", name=name, changes={"manual": True})


def _measure(
    manager: Manager, large: Builders, virtual: Builders, gate: "_Gate"
) -> tuple[float, float]:
    """Resets and gathers, beside the uploads; from when until when, in monotonic seconds."""
    total = GATHERS * ROUNDS
    for number in range(UPLOADS, UPLOADS + total):
        manager.submit(number)
    manager.add_builders(large.urls, "large")
    wait_for(lambda: len(large.builds()) >= GATHERS, _DEADLINE, "the large builds have begun")
    begun = time.monotonic()
    for number, url in enumerate(virtual.urls):
        manager.ask(
            "builder.add",
            name=f"virtual-{number}",
            url=url,
            processors=[ARCHITECTURE],
            virtualized=True,
            vm_host=f"host-{number % 10}",
            vm_reset_protocol="1.1",
        )
    wait_for(lambda: gate.waiting("reset") == RESETS, _DEADLINE, "the resets run")
    wait_for(lambda: len(large.events("cleaned")) == total, _DEADLINE, "all has been gathered")
    ended = time.monotonic()
    if gate.waiting("upload") != UPLOADS or gate.waiting("reset") != RESETS:
        raise RuntimeError("an upload or a reset ended before it should have")
    return begun, ended


class _Gate:
    """Programs that block, without taking any CPU, until the gate is opened."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "gate"
        self._directory.mkdir()
        self._pipe = self._directory / "pipe"
        os.mkfifo(self._pipe)

    def program(self, name: str) -> Path:
        """A program that leaves a mark, blocks, and takes the mark away when it may end."""
        (self._directory / name).mkdir()
        program = self._directory / f"{name}.sh"
        mark = self._directory / name / "$$"
        program.write_text(
            f'#!/bin/sh\n: > "{mark}"\nread line < "{self._pipe}"\nrm "{mark}"\nexit 0\n'
        )
        program.chmod(0o755)
        return program

    def waiting(self, name: str) -> int:
        """How many of these programs block."""
        return sum(1 for _ in (self._directory / name).iterdir())

    def open(self) -> None:
        """Let everybody go who waits now."""
        with suppress(OSError):  # nobody waits
            os.close(os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK))
