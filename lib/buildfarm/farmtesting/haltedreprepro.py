"""A reprepro that halts in the midst of its work, so that a test can kill whom it likes there.

Beside the layers; for tests/functional/faults. The halts are reprepro's own: it waits for an
override file that is a pipe (an include has begun), for a notifier of its log (the package is in
its database), and for an export hook (indexes are being written).
"""

import os
import shutil
from enum import Enum
from pathlib import Path

_REPREPRO = """#!/bin/sh
# The real program (reprepro --basedir ROOT …), with what is in `armed` added to the last suite.
conf=$(mktemp -d "{place}/conf.XXXXXX")
cp "$2"/conf/* "$conf/"
case " $* " in
*" includedeb "*) [ ! -e "{place}/armed" ] || cat "{place}/armed" >> "$conf/distributions" ;;
esac
exec "{program}" --confdir "$conf" --logdir "{place}/logs" "$@"
"""

_HOOK = """#!/bin/sh
# Whoever waits for this hook waits while it is armed.
while [ -e "{place}/armed" ]; do echo "$PPID" > "{place}/halted"; sleep 0.05; done
"""


class Point(Enum):
    """Where it halts."""

    INCLUDE = "DebOverride: {place}/pipe\n"
    COMMIT = "Log: log\n {place}/hook\n"
    EXPORT = "DebIndices: Packages Release . .gz {place}/hook\n"


class HaltedReprepro:
    """Stands before reprepro on the search path of whoever gets `environment`."""

    def __init__(self, place: Path) -> None:
        program = shutil.which("reprepro")
        if program is None:
            raise FileNotFoundError("reprepro")
        self._place = place
        self._armed = place / "armed"
        self._halted = place / "halted"
        programs = place / "programs"
        programs.mkdir(parents=True)
        self._pipe = place / "pipe"
        self._writing_end: int | None = None
        for path, text in ((programs / "reprepro", _REPREPRO), (place / "hook", _HOOK)):
            path.write_text(text.format(place=place, program=program))
            path.chmod(0o755)
        self.environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}

    def arm(self, point: Point) -> None:
        """From now on an include halts at `point`."""
        self.release()
        self._halted.unlink(missing_ok=True)
        self._pipe.unlink(missing_ok=True)
        os.mkfifo(self._pipe)
        self._writing_end = os.open(self._pipe, os.O_RDWR | os.O_CLOEXEC)
        self._armed.write_text(point.value.format(place=self._place))

    def halted(self) -> int | None:
        """The process of a reprepro that has halted, None while none has."""
        if self._halted.exists():
            return int(self._halted.read_text() or 0) or None
        others = (int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal())
        return next((pid for pid in others if pid != os.getpid() and self._reads(pid)), None)

    def release(self) -> None:
        """Nothing halts any more, and what does goes on, if it still lives."""
        self._armed.unlink(missing_ok=True)
        if self._writing_end is not None:
            nothing = self._place / "nothing"
            nothing.touch()
            nothing.rename(self._pipe)
            os.close(self._writing_end)
            self._writing_end = None

    def _reads(self, pid: int) -> bool:
        """Whether the process has our pipe open; one that has ended meanwhile has not."""
        try:
            return any(one.readlink() == self._pipe for one in Path(f"/proc/{pid}/fd").iterdir())
        except OSError:
            return False
