"""What a hostile builder does, and what it is judged as: one entry of the table.

Beside the layers; the entries are in `hostile.table`, told to people in docs/hostile-builders.md.

A behaviour is a builder that behaves but for one thing. It may differ in what its builds make
(`script`), in the values that it answers (`lie`), or in the bytes that it sends (`speak`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.simulatedresults import package_results
from buildfarm.wire.builderrpc import Call, Fault, Value

if TYPE_CHECKING:
    from buildfarm.farmtesting.hostile.builder import HostileDaemon, HostileServer


class Judged(Enum):
    """Whose fault it is in the end: DESIGN section 6."""

    BUILDER = "builder"
    JOB = "job"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: `what` is a method, `file`, or `buildlog`; `number` counts from 1."""

    what: str
    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer as the daemon would truly give it; `extra` are more header lines."""

    status: int
    body: bytes
    kind: str = "text/html"
    extra: str = ""

    def head(self, length: int | None = None) -> bytes:
        """Status line and headers, for a body of `length` bytes instead of the true one."""
        size = len(self.body) if length is None else length
        return (
            f"HTTP/1.1 {self.status} Said\r\nContent-Type: {self.kind}\r\n{self.extra}"
            f"Content-Length: {size}\r\n\r\n"
        ).encode()

    def whole(self) -> bytes:
        """The answer as it goes over the wire."""
        return self.head() + self.body


#: What becomes of each build.
Scripting = Callable[[Order], Script]

#: The value to answer a call with, in place of the true one.
Lie = Callable[["HostileDaemon", Call, Value | Fault], Value | Fault]

#: Sends something in place of the true answer.
Speak = Callable[["HostileServer", Asked, Answer], None]


def source_of(order: Order) -> tuple[str, str]:
    """Source package and version of a build, from the name of its `.dsc`."""
    dsc = next(name for name in order.filemap if name.endswith(".dsc"))
    source, _, version = dsc.removesuffix(".dsc").partition("_")
    return source, version


def true_results(order: Order) -> dict[str, bytes]:
    """What the build should make: one package, and its `.changes`."""
    source, version = source_of(order)
    architecture = str(order.args.get("arch_tag", "amd64"))
    return package_results(source, version, source, architecture, 1000)


def built(order: Order) -> Script:
    """A build that goes well, at once."""
    return Script(seconds=0.01, results=true_results(order), abort_seconds=0.01)


def never_ending(order: Order) -> Script:
    """A build that is still running when the test ends; an abort is heeded."""
    return Script(seconds=10_000.0, results={}, abort_seconds=0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One way to be hostile.

    `does` is a sentence without its full stop, with the builder for its subject. `told` stands in
    the sentence that the operator reads: in the builder's `failnotes`, or in the reason of the
    build; empty where nobody is blamed. `ignores` are the methods that it does not carry out.
    """

    name: str
    does: str
    judged: Judged
    told: str = ""
    script: Scripting = built
    lie: Lie | None = None
    speak: Speak | None = None
    ignores: frozenset[str] = frozenset()
