"""A build followed to its end: its log as it grows, then what became of it.

The log is asked for by ranges, from where the last one ended. A farm that is restarted meanwhile is
waited for. Layer 7. Tests: tests/unit/scripts/test_following.py, tests/functional/scripts.
"""

import codecs
import re
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.client import HTTPResponse
from typing import Any, TypeVar

from buildfarm.scripts.client import reaching
from buildfarm.scripts.connecting import Farm
from buildfarm.scripts.streams import PIECE, answer_of, asked
from buildfarm.vocab.errors import FarmUnreachable, Refused
from buildfarm.vocab.states import BuildState
from buildfarm.vocab.text import shown
from buildfarm.webservice.words import BUILD_STATES

T = TypeVar("T")

#: What a build is in while it has not ended, as the farm says it.
UNDER_WAY = frozenset(
    BUILD_STATES[state]
    for state in (
        BuildState.NEEDSBUILD,
        BuildState.BUILDING,
        BuildState.GATHERING,
        BuildState.UPLOADING,
        BuildState.CANCELLING,
    )
)
BUILT = BUILD_STATES[BuildState.FULLYBUILT]

#: Seconds between two looks, and for how long a farm that cannot be reached is waited for.
_LOOK = 1.0
_PATIENCE = 300.0

#: Characters of a line that are kept back until the line has ended.
_LONGEST = 64 * 1024

_SIZE = re.compile(r"bytes \*/([0-9]{1,19})")


class Shower:
    """Makes a log safe to show, in pieces that may end within a character or a sequence."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._kept = ""

    def shown(self, piece: bytes, *, final: bool = False) -> str:
        """What can be shown now: whole lines, and at the end the rest."""
        text = self._kept + self._decode(piece, final)
        cut = len(text) if final or len(text) > _LONGEST else text.rfind("\n") + 1
        self._kept = text[cut:]
        return shown(text[:cut].replace("\r\n", "\n"), colour=self._colour)


class BuildLog:
    """The log of one build, read from where the last reading ended."""

    def __init__(self, farm: Farm, build_id: int) -> None:
        self._farm = farm
        self._build_id = build_id
        self._path = f"/builds/{build_id}/log"
        self.position = 0

    def pieces(self) -> Iterator[bytes]:
        """What there is now and was not read before. Raises Refused where there is no log."""
        sent = {"Range": f"bytes={self.position}-", "Accept-Encoding": "identity"}
        with asked(self._farm, "GET", self._path, sent) as response:
            if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                self._begin_again_if_shorter(response)
                return
            if response.status == HTTPStatus.NOT_FOUND:
                raise Refused(f"Build {self._build_id} has no log yet, or none any more.")
            if response.status == HTTPStatus.OK:
                self.position = 0
            elif response.status != HTTPStatus.PARTIAL_CONTENT:
                answer_of(self._farm, response)
            while piece := self._read(response):
                self.position += len(piece)
                yield piece

    def _read(self, response: HTTPResponse) -> bytes:
        with reaching(self._farm.url):
            return response.read1(PIECE)

    def _begin_again_if_shorter(self, response: HTTPResponse) -> None:
        """Another attempt has a log of its own."""
        size = _SIZE.fullmatch(response.headers.get("Content-Range", ""))
        if size is not None and int(size[1]) < self.position:
            self.position = 0


def follow(
    farm: Farm,
    build_id: int,
    *,
    show: Callable[[str], None],
    tell: Callable[[str], None],
    colour: bool,
    until: float | None = None,
) -> Any:
    """Show the log of a build until it has ended; launchpadlib's entry of it then.

    `show` gets the log, `tell` a sentence for each state that the build comes into. `until` is when
    to give up, by `time.monotonic`. Raises Refused, FarmUnreachable.
    """
    log, shower, last = BuildLog(farm, build_id), Shower(colour=colour), ""
    while True:
        build = patiently(lambda: named(farm, build_id))
        # Asked before the log, so that what was written until its end is read.
        ended = build.buildstate not in UNDER_WAY
        if build.buildstate != last:
            last = build.buildstate
            tell(sentence_of(build))
        patiently(lambda: _show_new(log, shower, show))
        if ended:
            show(shower.shown(b"", final=True))
            return build
        if until is not None and time.monotonic() > until:
            raise Refused(f"Build {build_id} has not ended in time: {build.buildstate}.")
        time.sleep(_LOOK)


def sentence_of(build: Any) -> str:
    """What state a build is in, and why."""
    note = f": {build.failnotes}" if build.failnotes else ""
    return f"Build {build.id}, {build.title}: {build.buildstate}{note}"


def _show_new(log: BuildLog, shower: Shower, show: Callable[[str], None]) -> None:
    try:
        for piece in log.pieces():
            show(shower.shown(piece))
    except Refused:
        # Not begun yet, or ended without a log; its state tells.
        return


def named(farm: Farm, build_id: int) -> Any:
    """The build of this number. Raises Refused where there is none, or none that one may see."""
    found = farm.service.builds.getByID(id=build_id)
    if found is None:
        raise Refused(f"There is no build {build_id}.")
    return found


def patiently(ask: Callable[[], T]) -> T:
    """The answer of `ask`, tried again while the farm cannot be reached, for some minutes."""
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            return ask()
        except FarmUnreachable:
            if time.monotonic() > give_up:
                raise
        time.sleep(_LOOK)
