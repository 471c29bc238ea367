"""What holds on a farm whatever was killed and whenever: promises P3 and P4 of the design.

Beside the layers; for tests/functional/restarts. `broken` reads the story of a farm from its events
and says in sentences what of P3 does not hold; the two other functions look into an archive and
fail the test that asks.
"""

import hashlib
import subprocess
from collections.abc import Collection, Iterable
from pathlib import Path

from debian.deb822 import Deb822

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.build import EventSnapshot
from buildfarm.vocab.states import ON_BUILDER, AttemptState

_STATES = {state.value: state for state in AttemptState}

#: The id of a build and the number of one of its attempts.
_Attempt = tuple[int, int]


def broken(events: Iterable[EventSnapshot]) -> list[str]:
    """What the events, oldest first, say against P3, as sentences.

    At no time has a build two open attempts, or a builder two builds; only an attempt that is on
    its builder is gathered.
    """
    story = _Story()
    for event in events:
        after = _STATES.get(event.after or "")
        if event.build_id is not None and event.attempt is not None and after is not None:
            story.follow((event.build_id, event.attempt), event.builder or "", after)
    return story.found


class _Story:
    """Which attempts are open and which builders have one, as the events tell it."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._open: dict[int, _Attempt] = {}
        self._occupied: dict[str, _Attempt] = {}
        self._states: dict[_Attempt, AttemptState] = {}

    def follow(self, attempt: _Attempt, builder: str, after: AttemptState) -> None:
        """The attempt has come to the state `after`."""
        if after is AttemptState.CLAIMED:
            self._begin(attempt, builder)
        elif self._open.get(attempt[0]) != attempt:
            self.found.append(f"{attempt} became {after.value} although it was not open")
        if after is AttemptState.GATHERED and self._states.get(attempt) not in ON_BUILDER:
            self.found.append(f"{attempt} was gathered although it was on no builder")
        if after not in ON_BUILDER and self._occupied.get(builder) == attempt:
            del self._occupied[builder]
        if after is AttemptState.CLOSED:
            self._open.pop(attempt[0], None)
        self._states[attempt] = after

    def _begin(self, attempt: _Attempt, builder: str) -> None:
        for held in (self._open.get(attempt[0]), self._occupied.get(builder)):
            if held is not None:
                self.found.append(f"{attempt} began on {builder} while {held} was open")
        self._open[attempt[0]] = self._occupied[builder] = attempt


def assert_sound(test: FarmTestCase, root: Path) -> None:
    """reprepro finds nothing wrong with the archive at `root`, and no upload has left anything."""
    for verb in ("check", "checkpool"):
        command = ["reprepro", "--basedir", str(root), verb]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        test.assertEqual(0, ended.returncode, f"{verb}: {ended.stdout}{ended.stderr}")
    left = {path.name for path in root.iterdir()}
    test.assertEqual(set(), left - {"conf", "db", "public", "published"})


def assert_indexed_once(test: FarmTestCase, root: Path, packages: Collection[bytes]) -> None:
    """Exactly `packages`, given whole, are in the pool of an archive and in its index."""
    public = root / "public"
    pool = [_sha256(path.read_bytes()) for path in (public / "pool").rglob("*.deb")]
    wanted = sorted(_sha256(package) for package in packages)
    test.assertEqual(wanted, sorted(pool))
    index = (public / "dists/bookworm/main/binary-amd64/Packages").read_text()
    listed = list(Deb822.iter_paragraphs(index))
    test.assertEqual(wanted, sorted(stanza["SHA256"] for stanza in listed))
    for stanza in listed:
        named = public / stanza["Filename"]
        test.assertEqual(stanza["SHA256"], _sha256(named.read_bytes()))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
