"""What pages show, read once."""

from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.answers import Declined
from buildfarm.statuspage.snapshots import LIFETIME, Snapshots


class SnapshotsTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.snapshots = Snapshots(self.clock, kept=3, making=3)
        self.made: list[Deferred[str]] = []

    def ask(self, key: str) -> Deferred[str]:
        """Ask for the value of `key`."""

        async def make() -> str:
            self.made.append(Deferred())
            return await self.made[-1]

        return Deferred.fromCoroutine(self.snapshots.get(key, make))

    def test_who_comes_meanwhile_gets_the_same(self) -> None:
        """One is made, however many ask, and whoever asked first may have left."""
        first, second = self.ask("a"), self.ask("a")
        first.addErrback(lambda _failure: None)
        first.cancel()
        [making] = self.made
        making.callback("value")
        self.assertEqual("value", self.successResultOf(second))

    def test_it_is_kept_for_a_while(self) -> None:
        """After that it is made again."""
        self.ask("a")
        self.made[0].callback("old")
        self.assertEqual("old", self.successResultOf(self.ask("a")))
        self.clock.advance(LIFETIME)
        again = self.ask("a")
        self.assertNoResult(again)
        self.made[1].callback("new")
        self.assertEqual("new", self.successResultOf(again))

    def test_what_is_forgotten_is_made_again(self) -> None:
        """Also what was being made then, which those get alone who asked before."""
        self.ask("a")
        self.made[0].callback("old")
        before = self.ask("b")
        self.snapshots.forget()
        after = [self.ask("a"), self.ask("b")]
        self.made[1].callback("old")
        self.assertEqual("old", self.successResultOf(before))
        for number, one in enumerate(after):
            self.made[2 + number].callback("new")
            self.assertEqual("new", self.successResultOf(one))
        self.assertEqual("new", self.successResultOf(self.ask("b")))

    def test_keys_are_apart(self) -> None:
        """What one class of visitors has read is never another's."""
        first, second = self.ask("public"), self.ask("private")
        self.made[1].callback("secret")
        self.made[0].callback("open")
        self.assertEqual(["open", "secret"], [self.successResultOf(one) for one in (first, second)])

    def test_an_error_is_everybodys_and_not_kept(self) -> None:
        """The next who asks has it made again."""
        asked = [self.ask("a"), self.ask("a")]
        self.made[0].errback(KeyError("x"))
        for one in asked:
            self.failureResultOf(one, KeyError)
        self.ask("a")
        self.assertEqual(2, len(self.made))

    def test_few_have_begun(self) -> None:
        """The others wait for their turn, also where one fails."""
        self.snapshots = Snapshots(self.clock, at_once=1)
        first, second, third = (self.ask(key) for key in "abc")
        self.assertEqual(1, len(self.made))
        self.made[0].errback(KeyError("x"))
        self.failureResultOf(first, KeyError)
        self.made[1].callback("b")
        self.made[2].callback("c")
        self.assertEqual(["b", "c"], [self.successResultOf(one) for one in (second, third)])

    def test_few_are_kept_and_few_are_made_at_once(self) -> None:
        """The oldest goes; what is too much is declined, with a time to come again."""
        for key in "abcd":
            self.ask(key)
            self.made[-1].callback(key)
        self.ask("b")
        self.assertEqual(4, len(self.made))
        for key in "aeg":
            self.ask(key)
        declined = self.failureResultOf(self.ask("f"), Declined).value
        self.assertEqual((503, "5"), (declined.status, declined.headers["Retry-After"]))
