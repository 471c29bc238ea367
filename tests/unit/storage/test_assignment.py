"""Which builder gets which build."""

from collections.abc import Iterable, Iterator, Mapping

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.storage.assignment import Candidate, assigned

_fitting = st.dictionaries(
    st.integers(1, 8), st.frozensets(st.integers(1, 4), max_size=4), max_size=8
)
_candidates = st.lists(
    st.builds(Candidate, st.integers(1, 50), st.integers(1, 4), st.integers(0, 3)),
    max_size=12,
    unique_by=lambda one: one.build_id,
)


class Queues:
    """`candidates`, those of each requirement in the order of their places; counts those taken."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self.taken = 0
        self._candidates = sorted(candidates, key=lambda one: one.place)

    def __iter__(self) -> Iterator[Iterator[Candidate]]:
        for requirement_id in {one.requirement_id for one in self._candidates}:
            yield self._queue(requirement_id)

    def _queue(self, requirement_id: int) -> Iterator[Candidate]:
        for candidate in self._candidates:
            if candidate.requirement_id == requirement_id:
                self.taken += 1
                yield candidate


def chosen(fitting: Mapping[int, set[int]], *candidates: tuple[int, int, int]) -> dict[int, int]:
    """Build ids by builder id."""
    frozen = {builder_id: frozenset(fitted) for builder_id, fitted in fitting.items()}
    found = assigned(frozen, Queues(Candidate(*one) for one in candidates))
    return {builder_id: candidate.build_id for builder_id, candidate in found.items()}


class TestAssigned(FarmTestCase):
    def test_best_first(self) -> None:
        """The best score goes first, then the older build."""
        self.assertEqual({1: 12}, chosen({1: {1}}, (11, 1, 5), (12, 1, 9), (13, 1, 9)))
        self.assertEqual({1: 11}, chosen({1: {1}}, (12, 1, 5), (11, 1, 5)))

    def test_in_the_order_of_asking(self) -> None:
        """Of builders that could take the same, the one that asked first gets the better build."""
        self.assertEqual({7: 11, 3: 12}, chosen({7: {1}, 3: {1}}, (12, 1, 5), (11, 1, 9)))

    def test_the_narrowest(self) -> None:
        """A build goes to the builder that can do the least else, so that both have work."""
        fitting = {1: {1, 2}, 2: {1}}
        self.assertEqual({2: 11, 1: 12}, chosen(fitting, (11, 1, 9), (12, 2, 5)))

    def test_nothing_fits(self) -> None:
        """Builders without a build that they fit get none."""
        self.assertEqual({}, chosen({1: {1}, 2: set()}, (11, 2, 9)))
        self.assertEqual({}, chosen({}, (11, 2, 9)))

    @given(_fitting, _candidates)
    def test_always(self, fitting: dict[int, frozenset[int]], candidates: list[Candidate]) -> None:
        """Nobody gets what does not fit or what another got, and nothing better is passed over.

        Of each requirement no more is taken out of the queue than is given away, and one.
        """
        queues = Queues(candidates)
        found = assigned(fitting, queues)
        kinds = len({one.requirement_id for one in candidates})
        self.assertTrue(queues.taken <= len(found) + kinds)
        for builder_id, candidate in found.items():
            self.assertIn(candidate.requirement_id, fitting[builder_id])
        given_away = {candidate.build_id for candidate in found.values()}
        self.assertEqual(len(found), len(given_away))
        idle = set(fitting) - set(found)
        for candidate in candidates:
            if candidate.build_id in given_away:
                continue
            self.assertFalse([one for one in idle if candidate.requirement_id in fitting[one]])
            for builder_id, other in found.items():
                if candidate.requirement_id in fitting[builder_id]:
                    self.assertTrue(
                        (-other.score, other.build_id) < (-candidate.score, candidate.build_id)
                    )
