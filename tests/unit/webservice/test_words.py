"""Launchpad's words for the farm's states."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab import archive
from buildfarm.vocab.states import BuildState, CleanStatus
from buildfarm.webservice.words import (
    BUILD_STATES,
    CLEAN_STATUSES,
    POCKET_OF,
    POCKETS,
    STATE_OF,
    STATUS_OF,
    lasting,
)


class WordTests(FarmTestCase):
    def test_every_state_has_one_word(self) -> None:
        """No state is left out, and a word that a client sends back names one state."""
        for states, words, back in (
            (BuildState, BUILD_STATES, STATE_OF),
            (CleanStatus, CLEAN_STATUSES, STATUS_OF),
        ):
            self.assertEqual(list(states), list(words))
            self.assertEqual({word: state for state, word in words.items()}, back)
            self.assertEqual(len(words), len(back))

    def test_every_pocket_has_one_word(self) -> None:
        """Whatever pocket a suite is found to be in has its title."""
        self.assertEqual({"release", *archive.POCKETS}, set(POCKETS))
        self.assertEqual(set(POCKETS), set(POCKET_OF.values()))

    def test_durations_are_written_as_launchpad_does(self) -> None:
        """Hours, minutes, seconds, and a fraction where there is one."""
        self.assertEqual(
            ["0:01:23.500000", "1 day, 1:00:00", "0:00:00", None],
            [lasting(seconds) for seconds in (83.5, 90_000, 0, None)],
        )
