"""Which builder gets which build, when several builders ask at once. Pure.

Layer 3. Tests: tests/unit/storage/test_assignment.py.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A waiting build that one of the builders could take."""

    build_id: int
    requirement_id: int
    score: int

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands in the queue: what compares less goes earlier."""
        return (-self.score, self.build_id)


def assigned(
    fitting: Mapping[int, frozenset[int]], queues: Iterable[Iterator[Candidate]]
) -> dict[int, Candidate]:
    """The candidate for each builder that gets one, by builder id.

    `fitting` maps builder ids, in the order in which they asked, to the requirements they fit.
    Each of `queues` has the builds of one requirement, in the order of their places; no more of
    them are taken out than are given away, and one that goes to nobody. Candidates go by score,
    then by age (build id); each goes to the builder that can take the fewest kinds of build, so
    that the others are left for what only they can do. Builders that fit the same are one group: a
    thousand builders cost no more than their kinds.
    """
    groups: dict[frozenset[int], list[int]] = {}
    for builder_id, requirements in fitting.items():
        groups.setdefault(requirements, []).append(builder_id)
    narrowest_first = sorted(groups, key=len)
    for builders in groups.values():
        builders.reverse()
    result: dict[int, Candidate] = {}
    heads = [(head.place, head, queue) for queue in queues if (head := next(queue, None))]
    heapq.heapify(heads)
    while heads:
        _, candidate, queue = heads[0]
        takers = _takers(candidate, narrowest_first, groups)
        if takers is None:
            heapq.heappop(heads)  # nor is anybody left for the others of its queue
            continue
        result[takers.pop()] = candidate
        if len(result) == len(fitting):
            break
        head = next(queue, None)
        if head is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, (head.place, head, queue))
    return result


def _takers(
    candidate: Candidate,
    narrowest_first: Iterable[frozenset[int]],
    groups: Mapping[frozenset[int], list[int]],
) -> list[int] | None:
    """The builders that have nothing yet in the narrowest group that fits."""
    for requirements in narrowest_first:
        if candidate.requirement_id in requirements and groups[requirements]:
            return groups[requirements]
    return None
