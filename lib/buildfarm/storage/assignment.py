"""Which builder gets which build, when several builders ask at once. Pure.

Layer 3. Tests: tests/unit/storage/test_assignment.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A waiting build that one of the builders could take."""

    build_id: int
    requirement_id: int
    score: int


def assigned(
    fitting: Mapping[int, Iterable[int]], candidates: Sequence[Candidate]
) -> dict[int, Candidate]:
    """The candidate for each builder that gets one, by builder id.

    `fitting` maps builder ids, in the order in which they asked, to the requirements they fit.
    Candidates go by score, then by age (build id); each goes to the builder that can take the
    fewest kinds of build, so that the others are left for what only they can do. Builders that
    fit the same are one group: a thousand builders cost no more than their kinds.
    """
    groups: dict[frozenset[int], list[int]] = {}
    for builder_id, requirements in fitting.items():
        groups.setdefault(frozenset(requirements), []).append(builder_id)
    narrowest_first = sorted(groups, key=len)
    for builders in groups.values():
        builders.reverse()
    result: dict[int, Candidate] = {}
    for candidate in sorted(candidates, key=lambda one: (-one.score, one.build_id)):
        for requirements in narrowest_first:
            if candidate.requirement_id in requirements and groups[requirements]:
                result[groups[requirements].pop()] = candidate
                break
    return result
