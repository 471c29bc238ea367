"""Whether what a build waits for is there by now: dependencies as text, and packages on offer.

The text is what the builder sent: relations as a Build-Depends field has them, with alternatives,
versions, architecture qualifiers (`:any`, `:native`), architecture lists and build profiles. The
rules are apt's: a package that another one provides fulfils a relation without a version, or one
that the provided version fulfils; `:any` asks for a package that is `Multi-Arch: allowed`.

Layer 1: pure. Tests: tests/unit/verdicts/test_depwait.py.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from buildfarm.verdicts.debversions import compare, is_version
from buildfarm.vocab.depwait import Candidate

#: The longest text that is read, and the most names in it that are looked for.
MAX_TEXT = 10_000
MAX_NAMES = 100

# White space is never given back (`*+`): a builder could send much of it, to have it tried in every
# way of parting it.
_ALTERNATIVE = re.compile(
    r"\s*+(?P<name>[A-Za-z0-9][A-Za-z0-9.+-]+)(?::(?P<qualifier>[a-z0-9-]+))?"
    r"\s*+(?:\(\s*+(?P<operator>>>|>=|=|<=|<<|<|>)\s*+(?P<version>[^\s()]+)\s*+\))?"
    r"\s*+(?:\[(?P<architectures>[^\[\]]*)\])?"
    r"\s*+(?P<profiles>(?:<[^<>]*>\s*+)*)"
)

_HOLDS: Mapping[str, Callable[[int], bool]] = {
    ">>": lambda order: order > 0,
    ">=": lambda order: order >= 0,
    "=": lambda order: order == 0,
    "<=": lambda order: order <= 0,
    "<<": lambda order: order < 0,
    # As dpkg reads the old spellings.
    ">": lambda order: order >= 0,
    "<": lambda order: order <= 0,
}


@dataclass(frozen=True, slots=True)
class Relation:
    """One package that would do. `operator` and `version` are empty where any version does."""

    name: str
    qualifier: str
    operator: str
    version: str

    def __str__(self) -> str:
        name = f"{self.name}:{self.qualifier}" if self.qualifier else self.name
        return f"{name} ({self.operator} {self.version})" if self.operator else name


#: All groups have to be fulfilled, each by one of its relations.
Groups = tuple[tuple[Relation, ...], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether all that was named is there, and a sentence that says what is and what is not."""

    found: bool
    sentence: str


def read_relations(text: str, architecture: str) -> Groups | None:
    """What `text` asks for on `architecture`, without build profiles; None if it makes no sense."""
    if len(text) > MAX_TEXT:
        return None
    groups = []
    for part in text.split(","):
        if not part.strip():
            continue
        alternatives = []
        for one in part.split("|"):
            match = _ALTERNATIVE.fullmatch(one)
            if match is None or not is_version(match["version"] or "0"):
                return None
            if _applies(match["architectures"], match["profiles"], architecture):
                alternatives.append(
                    Relation(
                        match["name"],
                        match["qualifier"] or "",
                        match["operator"] or "",
                        match["version"] or "",
                    )
                )
        if alternatives:
            groups.append(tuple(alternatives))
    names = {relation.name for group in groups for relation in group}
    return tuple(groups) if groups and len(names) <= MAX_NAMES else None


def names_in(groups: Groups) -> frozenset[str]:
    """The packages that are named."""
    return frozenset(relation.name for group in groups for relation in group)


def look(groups: Groups, offered: Mapping[str, Sequence[Candidate]], architecture: str) -> Finding:
    """What of `groups` is among the packages `offered`, by name, for `architecture`."""
    there, missing = [], []
    for group in groups:
        by = next(
            (
                (relation, candidate)
                for relation in group
                for candidate in offered.get(relation.name, ())
                if fulfils(candidate, relation, architecture)
            ),
            None,
        )
        if by is None:
            missing.append(_missing(group, offered))
        else:
            there.append(_told(by[1]))
    if missing:
        return Finding(False, f"Not there: {', '.join(missing)}.")
    return Finding(True, f"There by now: {', '.join(there)}.")


def fulfils(candidate: Candidate, relation: Relation, architecture: str) -> bool:
    """Whether a package on offer is what a relation asks for."""
    if relation.qualifier == "any":
        if candidate.multi_arch != "allowed":
            return False
    elif relation.qualifier not in ("", "native", architecture):
        return False
    if not relation.operator:
        return True
    if candidate.version is None or not is_version(candidate.version):
        return False
    return _HOLDS[relation.operator](compare(candidate.version, relation.version))


def _missing(group: Sequence[Relation], offered: Mapping[str, Sequence[Candidate]]) -> str:
    wanted = " | ".join(map(str, group))
    present = [_told(one) for relation in group for one in offered.get(relation.name, ())]
    return f"{wanted} (there is {', '.join(present[:3])})" if present else wanted


def _told(candidate: Candidate) -> str:
    version = "" if candidate.version is None else f" {candidate.version}"
    by = f" (provided by {candidate.by})" if candidate.by else ""
    return f"{candidate.name}{version}{by}"


def _applies(architectures: str | None, profiles: str, architecture: str) -> bool:
    """Whether a relation with these restrictions counts in a build without profiles."""
    if architectures is not None:
        listed = architectures.split()
        negated = [one[1:] for one in listed if one.startswith("!")]
        wanted = [one for one in listed if not one.startswith("!")]
        if any(_is(architecture, one) for one in negated):
            return False
        if wanted and not any(_is(architecture, one) for one in wanted):
            return False
    formulas = re.findall(r"<([^<>]*)>", profiles)
    return not formulas or any(
        all(term.startswith("!") for term in formula.split()) for formula in formulas
    )


def _is(architecture: str, wildcard: str) -> bool:
    """Whether an architecture is what a list of them names, `linux-any` and `any-arm64` too."""
    system, dash, processor = architecture.rpartition("-")
    system = system if dash else "linux"
    if wildcard in ("any", architecture):
        return True
    wanted_system, dash, wanted = wildcard.rpartition("-")
    if not dash:
        return False
    return wanted_system in ("any", system) and wanted in ("any", processor)
