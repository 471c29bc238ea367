"""From what was looked at to checks: which state of what, and whether all is there.

Layer 4, pure. Tests: tests/unit/depwait/test_checks.py.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from buildfarm.depwait.indexes import Index, base_indexes, own_index
from buildfarm.depwait.reading import Look
from buildfarm.uploads.published import published_directory
from buildfarm.verdicts.depwait import Groups, look, names_in, read_relations
from buildfarm.vocab.depwait import Candidate, Check, Waiting

#: What is recorded of a text that cannot be understood: a person has to look at it.
NOT_UNDERSTOOD = "What it waits for cannot be understood; it has to be retried by hand."

#: The state of an index that cannot be looked at.
_UNKNOWN = "unknown"

_DEB = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9.+-]*)_(?P<version>[^_]+)_(?P<architecture>[a-z0-9-]+)\.u?deb"
)


@dataclass(frozen=True, slots=True)
class Question:
    """What one build waits for, and the indexes that may have it. No `groups`: not understood."""

    waiting: Waiting
    groups: Groups | None
    indexes: tuple[Index, ...]

    @property
    def names(self) -> frozenset[str]:
        """The packages to be looked for."""
        return names_in(self.groups or ())


@dataclass(frozen=True, slots=True)
class Published:
    """What this farm has published in a suite of an archive that has no index of its own.

    `count` builds; `offers` are the packages by name.
    """

    count: int = 0
    offers: Mapping[str, Sequence[Candidate]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offers:
    """What one index has of what was looked for, by name; see `reading.Look` for `state`."""

    state: str
    by_name: Mapping[str, Sequence[Candidate]]


def offers_of(look: Look) -> Offers:
    """What an index was found to have."""
    by_name: dict[str, list[Candidate]] = {}
    for name, version, multi_arch, by in look.offers:
        by_name.setdefault(name, []).append(Candidate(name, version, multi_arch, by))
    return Offers(look.state, by_name)


def question(waiting: Waiting) -> Question:
    """What is to be looked for, and where."""
    groups = read_relations(waiting.dependencies, waiting.architecture)
    indexes = base_indexes(waiting.archive.bases, waiting.architecture)
    public = published_directory(waiting.archive)
    if public is not None:
        own = own_index(public, waiting.archive, waiting.suite, waiting.architecture)
        indexes = (own, *indexes)
    return Question(waiting, groups, indexes)


def offers_of_files(
    found: Sequence[tuple[str, str, tuple[str, ...]]], architecture: str
) -> dict[str, list[Candidate]]:
    """The packages that published files are, by name.

    `found` has the version and the architecture of each build's source, and its file names. A file
    name has no epoch: it is the source's where the rest of the version is.
    """
    offers: dict[str, list[Candidate]] = {}
    for source_version, _, names in found:
        epoch, colon, rest = source_version.partition(":")
        for name in names:
            match = _DEB.fullmatch(name)
            if match is None or match["architecture"] not in ("all", architecture):
                continue
            version = match["version"]
            if colon and version == rest:
                version = f"{epoch}:{version}"
            offers.setdefault(match["name"], []).append(Candidate(match["name"], version))
    return offers


def check(asked: Question, looks: Mapping[Index, Offers], published: Published) -> Check | None:
    """The check of one build; None where nothing at all could be looked at."""
    build_id = asked.waiting.build_id
    if asked.groups is None:
        state = hashlib.sha256(asked.waiting.dependencies.encode()).hexdigest()
        return Check(build_id, state, (), NOT_UNDERSTOOD, found=False)
    at_hand = [(index.place, looks[index]) for index in asked.indexes if index in looks]
    looked_at = [(place, offers.state or _UNKNOWN) for place, offers in at_hand]
    if published_directory(asked.waiting.archive) is None:
        archive = f"{asked.waiting.archive.name}/{asked.waiting.suite}"
        looked_at.append((archive, f"{published.count} builds published"))
    if all(state == _UNKNOWN for _, state in looked_at):
        return None
    told = repr((asked.waiting.dependencies, looked_at)).encode()
    state = hashlib.sha256(told).hexdigest()
    offered = {
        name: [
            *published.offers.get(name, ()),
            *(one for _, offers in at_hand for one in offers.by_name.get(name, ())),
        ]
        for name in asked.names
    }
    finding = look(asked.groups, offered, asked.waiting.architecture)
    return Check(build_id, state, tuple(looked_at), finding.sentence, finding.found)
