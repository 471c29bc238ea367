"""What builds and attempts are at, in words."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.states import AttemptOutcome, AttemptState, BuildState
from buildfarm.vocab.statewords import ENDED, OUTCOMES, STATES, UNDER_WAY, attempt_words


class TestWords(FarmTestCase):
    def test_all_have_words(self) -> None:
        """Every state and outcome has words, which are not the names that the database has."""
        self.assertEqual(set(BuildState), set(STATES))
        self.assertEqual(set(AttemptOutcome), set(OUTCOMES))
        self.assertEqual(set(AttemptState), set(UNDER_WAY))
        for table in (STATES, OUTCOMES, UNDER_WAY, ENDED):
            for member, words in table.items():
                self.assertNotIn(member.value, words)

    def test_an_attempt(self) -> None:
        """It is told by its state until it has ended, then by its outcome and the reason."""
        told = attempt_words(AttemptState.CONFIRMED, None, None)
        self.assertEqual("is being built", told)
        told = attempt_words(AttemptState.CLOSED, AttemptOutcome.LOST, "bob\nsays IDLE")
        self.assertEqual("lost by the builder: bob says IDLE", told)
        told = attempt_words(AttemptState.CLOSED, AttemptOutcome.ABORTED, None)
        self.assertEqual("aborted", told)

    def test_published(self) -> None:
        """That it was published says all."""
        outcome = AttemptOutcome.PUBLISHED
        told = attempt_words(AttemptState.CLOSED, outcome, "the results were published")
        self.assertEqual("built and published", told)
