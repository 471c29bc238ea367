"""How often an address may try."""

from twisted.internet.task import Clock

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.identity.attempts import MOST, REMEMBERED, SPAN, Attempts


class AttemptsTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.attempts = Attempts(self.clock.seconds)

    def test_so_many_within_a_while(self) -> None:
        """The one that is too much waits until the first is long enough ago."""
        for _ in range(MOST):
            self.assertEqual(0, self.attempts.wait("a"))
            self.attempts.note("a")
            self.clock.advance(1)
        self.assertEqual(SPAN - MOST, self.attempts.wait("a"))
        self.clock.advance(SPAN - MOST)
        self.assertEqual(0, self.attempts.wait("a"))

    def test_each_address_for_itself(self) -> None:
        """Another address is not held back."""
        for _ in range(2 * MOST):
            self.attempts.note("a")
        self.assertGreater(self.attempts.wait("a"), 0)
        self.assertEqual(0, self.attempts.wait("b"))

    def test_addresses_of_one_host(self) -> None:
        """Of IPv6 a host has a network of its own to try from; IPv4 within IPv6 is as it is."""
        for number in range(MOST):
            self.attempts.note(f"2001:db8:0:1::{number:x}")
            self.attempts.note(f"::ffff:192.0.2.{number}")
        self.assertGreater(self.attempts.wait("2001:db8::1:a:b:c:d"), 0)
        for other in ("2001:db8:0:2::1", "::ffff:192.0.2.1", "192.0.2.1", ""):
            self.assertEqual(0, self.attempts.wait(other))

    def test_other_limits(self) -> None:
        """How many and how long can be said."""
        attempts = Attempts(self.clock.seconds, 2, 10.0)
        attempts.note("a")
        self.assertEqual(0, attempts.wait("a"))
        attempts.note("a")
        self.assertEqual(10, attempts.wait("a"))

    def test_bounded(self) -> None:
        """From however many addresses attempts come, so many are remembered, the latest."""
        for number in range(REMEMBERED + 1):
            self.attempts.note(str(number))
        self.assertEqual(REMEMBERED, len(self.attempts._failures))
        for _ in range(MOST):
            self.attempts.note(str(REMEMBERED))
        self.assertGreater(self.attempts.wait(str(REMEMBERED)), 0)
