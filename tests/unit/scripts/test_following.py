"""A log shown in pieces, and a farm that is waited for."""

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scripts import following
from buildfarm.scripts.following import UNDER_WAY, Shower, patiently
from buildfarm.vocab.errors import FarmUnreachable
from buildfarm.vocab.text import shown
from buildfarm.webservice.words import BUILD_STATES


class ShowerTests(FarmTestCase):
    def test_lines(self) -> None:
        """Lines are shown once they are whole, the last one at the end."""
        shower = Shower(colour=False)
        self.assertEqual("", shower.shown(b"cc -"))
        self.assertEqual("cc -o\n", shower.shown(b"o\nld"))
        self.assertEqual("ld", shower.shown(b"", final=True))

    def test_control_characters(self) -> None:
        """They are escaped; colours pass on a terminal, also where a piece ends within one."""
        for colour, told in ((True, "\x1b[31mred\\x1b[2J\n"), (False, "\\x1b[31mred\\x1b[2J\n")):
            shower = Shower(colour=colour)
            self.assertEqual("", shower.shown(b"\x1b[3"))
            self.assertEqual(told, shower.shown(b"1mred\x1b[2J\r\n"))

    def test_long_lines(self) -> None:
        """A line without end is not kept without end."""
        self.assertEqual(70_000, len(Shower(colour=False).shown(b"x" * 70_000)))

    @given(st.binary(max_size=200), st.integers(0, 200))
    def test_any_cut(self, log: bytes, cut: int) -> None:
        """Wherever a log is cut into pieces, the same is shown."""
        shower = Shower(colour=False)
        pieces = shower.shown(log[:cut]) + shower.shown(log[cut:], final=True)
        text = log.decode("utf-8", "replace").replace("\r\n", "\n")
        self.assertEqual(shown(text), pieces)


class PatienceTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 0.0
        self.patch(following.time, "monotonic", lambda: self.now)
        self.patch(following.time, "sleep", self.pass_time)

    def pass_time(self, seconds: float) -> None:
        """Instead of sleeping."""
        self.now += seconds

    def test_restarted(self) -> None:
        """A farm that is away for a while is waited for."""
        away = [FarmUnreachable("away")] * 20

        def ask() -> str:
            if away:
                raise away.pop()
            return "there"

        self.assertEqual("there", patiently(ask))

    def test_gone(self) -> None:
        """One that stays away ends it."""

        def ask() -> str:
            raise FarmUnreachable("away")

        self.assertRaises(FarmUnreachable, patiently, ask)
        self.assertTrue(300 <= self.now < 310, self.now)


class StateTests(FarmTestCase):
    def test_every_state(self) -> None:
        """A build is under way in the states from which it goes on by itself."""
        self.assertEqual(
            {
                "Needs building",
                "Currently building",
                "Gathering build output",
                "Uploading build",
                "Cancelling build",
            },
            set(UNDER_WAY),
        )
        self.assertTrue(set(BUILD_STATES.values()) > UNDER_WAY)
