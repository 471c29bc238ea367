"""The story of a build."""

from buildfarm.explaining.history import story
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.snapshots import after, an_attempt, an_event
from buildfarm.vocab.states import AttemptOutcome, AttemptState

LOST = an_attempt(
    state=AttemptState.CLOSED,
    outcome=AttemptOutcome.LOST,
    reason="bob says IDLE: the build is queued again.",
    claimed=after(10),
    sent=after(12),
    closed=after(52),
)


class TestStory(FarmTestCase):
    def test_in_order(self) -> None:
        """What was asked and what was tried is told by time, one line each."""
        second = an_attempt(number=2, builder_name="kim", claimed=after(60))
        events = [
            an_event(1, "submitted by anna", after="NEEDSBUILD"),
            an_event(55, "given the score 10 by anna"),
        ]
        self.assertEqual(
            (
                "2026-01-01 00:00:01 submitted by anna",
                (
                    "2026-01-01 00:00:10 attempt 1 on bob, 40 s: lost by the builder: "
                    "bob says IDLE: the build is queued again."
                ),
                "2026-01-01 00:00:55 given the score 10 by anna",
                "2026-01-01 00:01:00 attempt 2 on kim: is being built",
            ),
            story([LOST, second], events),
        )

    def test_an_attempt_is_told_once(self) -> None:
        """The transitions of an attempt are not told beside its own line."""
        events = [
            an_event(12, "it is sent", attempt=1, before="CLAIMED", after="SENT"),
            an_event(52, LOST.reason or "", attempt=1, before="SENT", after="CLOSED"),
            an_event(52, LOST.reason or "", attempt=1, before="BUILDING", after="NEEDSBUILD"),
        ]
        self.assertEqual(1, len(story([LOST], events)))

    def test_what_was_noted_during_an_attempt(self) -> None:
        """Warnings and tries to upload have no transition and are told."""
        [_, line] = story([LOST], [an_event(30, "bob has not answered", attempt=1)])
        self.assertEqual("2026-01-01 00:00:30 attempt 1: bob has not answered", line)

    def test_never_sent(self) -> None:
        """An attempt that was not sent lasted no time."""
        attempt = an_attempt(
            state=AttemptState.CLOSED,
            outcome=AttemptOutcome.NEVER_SENT,
            sent=None,
            closed=after(5),
            reason="bob was taken out",
        )
        self.assertEqual(
            ("2026-01-01 00:00:00 attempt 1 on bob: never sent: bob was taken out",),
            story([attempt], []),
        )

    def test_strangers_words(self) -> None:
        """Whatever a builder or a package said stays on its line, escaped."""
        [line] = story([], [an_event(0, "said\n\x1b[2J2026-01-01 all is well")])
        self.assertEqual("2026-01-01 00:00:00 said \\x1b[2J2026-01-01 all is well", line)

    def test_nothing_happened(self) -> None:
        """Without events and attempts there is no story."""
        self.assertEqual((), story([], []))
