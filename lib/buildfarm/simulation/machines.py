"""Simulated builders: machines with a daemon, a link to the manager, and a ledger of what they did.

Beside the layers. Tests: tests/unit/simulation.

The daemon is the fake one that the contract suite holds to launchpad-buildd. It serves the
manager's own client over the simulated network, and fetches its inputs from the manager's file
store. The ledger is what the invariants believe: it has every build that was really begun.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256 as _sha256
from pathlib import Path
from random import Random

from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater

from buildfarm.farmtesting.daemonscript import Fetch, FetchFailed, Order, Script
from buildfarm.farmtesting.daemonserver import DaemonServer
from buildfarm.farmtesting.fakedaemon import FakeDaemon, ReplyLost
from buildfarm.farmtesting.hostile.builder import HostileDaemon, HostileServer
from buildfarm.simulation.network import Link
from buildfarm.simulation.processes import Ending
from buildfarm.simulation.world import World
from buildfarm.vocab.states import BuildOutcome
from buildfarm.wire.builderrpc import Call, Fault, Value

PORT = 8221


def sha256(content: bytes) -> str:
    """The digest of `content`, in hexadecimal."""
    return _sha256(content).hexdigest()


@dataclass(slots=True)
class Run:
    """One build that really ran: the daemon's side of an attempt. Times are the world's.

    `ends` is when it ends if nobody interferes; `results` are the SHA-256
    of its files by name. `cut_short` says by what
    it did not come to that end; `forgotten` when the daemon no longer had it, and by what.
    """

    cookie: str
    builder: str
    began: float
    ends: float
    outcome: BuildOutcome
    results: dict[str, str]
    cut_short: str | None = None
    forgotten: tuple[float, str] | None = None


class LedgerDaemon(FakeDaemon):
    """A fake daemon that keeps a ledger of its builds, until its process ends."""

    def __init__(
        self,
        world: World,
        name: str,
        script: Callable[[Order], Script],
        fetch: Fetch,
        ledger: list[Run],
    ) -> None:
        self._world = world
        self._name = name
        self._ledger = ledger
        self._dead = False
        self._run: Run | None = None
        super().__init__(world, script, fetch)

    def die(self, why: str) -> None:
        """The process is gone, because of `why`; nothing that was asked of it is carried out."""
        self._dead = True
        self._lose(why)

    def born_of(self, before: "LedgerDaemon") -> None:
        """It finds on its disk what the daemon `before` left there."""
        self._cache.update(before._cache)
        self._used_ids.update(before._used_ids)

    async def _carry_out(self, call: Call) -> Value | Fault:
        if self._dead:
            raise ReplyLost
        return await super()._carry_out(call)

    def _begin(self, order: Order) -> None:
        super()._begin(order)
        now, script = self._world.seconds(), self._script
        results = {name: sha256(content) for name, content in script.results.items()}
        ends = now + script.seconds
        self._run = Run(order.build_id, self._name, now, ends, script.outcome, results)
        self._ledger.append(self._run)
        self._world.note(self._name, f"begins {order.build_id}, for {script.seconds:.1f} s")

    def _abort(self) -> Value | Fault:
        run = self._run
        if run is not None and run.cut_short is None and self._world.seconds() < run.ends:
            run.cut_short = "the manager aborted it"
            self._world.note(self._name, f"aborts {run.cookie}")
        return super()._abort()

    def _clean(self) -> Value | Fault:
        answer = super()._clean()
        if not isinstance(answer, Fault):
            self._lose("the manager had it cleaned")
        return answer

    def _lose(self, why: str) -> None:
        run, self._run = self._run, None
        if run is not None:
            now = self._world.seconds()
            if now < run.ends and run.cut_short is None:
                run.cut_short = why
            run.forgotten = (now, why)
            self._world.note(self._name, f"forgets {run.cookie}: {why}")


class Machine:
    """A builder's machine, for whoever breaks it."""

    def __init__(
        self,
        name: str,
        address: str,
        link: Link,
        fetch: Fetch,
        make_daemon: Callable[[], LedgerDaemon],
    ) -> None:
        self.name = name
        self.address = address
        self.link = link
        self.fetch = fetch
        self._make_daemon = make_daemon
        self.daemon = make_daemon()
        #: Serves the manager instead of the daemon, while the machine is in hostile hands.
        self.hostile: HostileDaemon | None = None

    @property
    def url(self) -> str:
        """Where the manager finds it."""
        return f"http://{self.address}:{PORT}"

    def accept(self) -> Protocol | None:
        """The server of a new connection; None refuses it."""
        if self.daemon.unreachable:
            return None
        if self.hostile is not None:
            return HostileServer(self.hostile)
        return DaemonServer(self.daemon)

    def lose_power(self) -> None:
        """Gone, in the middle of whatever it did; connections stay open as far as anybody knows."""
        self.link.lose_power()
        self._boot("its machine lost power")
        self.daemon.unreachable = True

    def start(self) -> None:
        """Up again, if it was down."""
        self.daemon.unreachable = False

    def restart_daemon(self) -> None:
        """The daemon is started anew: connections break, its build is forgotten."""
        self.link.reset_connections()
        self._boot("its daemon was restarted")

    def reset(self) -> None:
        """The machine is reset: nothing is left of anything, whatever was wrong with it."""
        self.link.lose_power()
        if self.hostile is not None:
            self.hostile.reset()
        self.daemon.die("it was reset")
        self.daemon = self._make_daemon()

    def be_hostile(self, daemon: HostileDaemon) -> None:
        """From now on it is in hostile hands."""
        self.restart_daemon()
        self.hostile = daemon

    def be_honest(self) -> None:
        """It is itself again."""
        self.hostile = None
        self.link.reset_connections()

    def _boot(self, why: str) -> None:
        before, self.daemon = self.daemon, self._make_daemon()
        before.die(why)
        self.daemon.born_of(before)


def make_fetch(
    world: World, link: Link, store_dir: Path, manager_lives: Callable[[], bool]
) -> Fetch:
    """How a daemon downloads: from the manager's file store, if there is a way and a manager."""

    async def fetch(url: str, user: str, password: str) -> bytes:
        await deferLater(world, 2 * link.delay())  # type: ignore[arg-type]
        if link.cut or not manager_lives():
            raise FetchFailed("<urlopen error [Errno 111] Connection refused>")
        digest = url.split("/")[-2]
        path = store_dir / digest[:2] / digest
        if not path.is_file():
            raise FetchFailed("HTTP Error 404: Not Found")
        return path.read_bytes()

    return fetch


class Resets:
    """The reset commands of all machines: what becomes of each run of one."""

    def __init__(self, world: World, machines: Sequence[Machine]) -> None:
        self._world = world
        self._machines = {machine.address: machine for machine in machines}
        self._chance: Random = world.stream("resets")
        #: How resets of these machines go wrong now: `fails`, `hangs` or `lies`.
        self.wrong: dict[str, str] = {}
        #: Called when an asynchronous reset has really ended.
        self.ended: Callable[[Machine], None] = lambda machine: None

    def decide(self, arguments: Sequence[str]) -> Ending:
        """What becomes of a command that is started with these `arguments`."""
        machine = self._machines[arguments[-1]]
        seconds = 1.0 + self._chance.expovariate(1 / 3.0)
        wrong = self.wrong.get(machine.name)
        self._world.note(machine.name, f"reset command starts{f' and {wrong}' if wrong else ''}")
        if wrong == "hangs":
            return Ending(None, 0, "", lambda: None)
        if wrong == "fails":
            return Ending(seconds, 1, "no such domain\n", lambda: None)
        if wrong == "lies":
            return Ending(seconds, 0, "done\n", lambda: None)

        def effect() -> None:
            self._world.note(machine.name, "is reset")
            machine.reset()
            self.ended(machine)

        return Ending(seconds, 0, "done\n", effect)
