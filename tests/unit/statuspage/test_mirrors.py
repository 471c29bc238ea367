"""Copies of logs of running builds."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.memory import inline_workers
from buildfarm.statuspage.mirrors import (
    AFTER_ERROR,
    INTERVAL,
    KEPT,
    MAX_MIRRORS,
    PIECE,
    Mirror,
    Mirrors,
    TooManyLogs,
)
from buildfarm.vocab.errors import BuilderUnreachable


class MirrorTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = b""
        self.asked: list[int] = []
        self.failing = False
        self.limit = 10_000_000
        self.mirrors = Mirrors(self.clock, inline_workers(), self.make_directory(), self.limit)
        self.addCleanup(lambda: self.successResultOf(self.mirrors.stop()))

    async def fetch(self, start: int, limit: int) -> bytes | None:
        """What the builder answers."""
        self.asked.append(start)
        if self.failing:
            raise BuilderUnreachable("bob does not answer")
        return self.log[start : start + limit]

    def text(self, mirror: Mirror) -> bytes:
        return mirror.read(0, 10**9)

    def test_what_is_there_and_what_comes(self) -> None:
        """All of it is copied at once; then the builder is asked now and then."""
        self.log = b"line\n" * (PIECE // 2)
        with self.mirrors.of(1, 1, self.fetch) as mirror:
            self.assertEqual((self.log, True), (self.text(mirror), mirror.caught_up))
            self.assertEqual([0, PIECE, 2 * PIECE], self.asked)
            self.log += b"more\n"
            self.assertEqual(len(self.log) - 5, mirror.size)
            self.clock.advance(INTERVAL)
            self.assertEqual(self.log, self.text(mirror))

    def test_parts(self) -> None:
        """Any part can be read, and nothing beyond the end."""
        self.log = b"0123456789\n"
        with self.mirrors.of(1, 1, self.fetch) as mirror:
            self.assertEqual(b"345", mirror.read(3, 3))
            self.assertEqual(
                (b"9\n", b"", b""), (mirror.read(9, 9), mirror.read(11, 1), mirror.read(99, 1))
            )

    def test_without_secrets(self) -> None:
        """Nobody sees them, also where they come in two pieces; nothing moves."""
        self.log = b"fetch https://user:hunt"
        with self.mirrors.of(1, 1, self.fetch) as mirror:
            self.assertEqual(b"", self.text(mirror))
            self.log += b"er2@example.org/\n"
            self.clock.advance(INTERVAL)
            self.assertEqual(b"fetch https://************@example.org/\n", self.text(mirror))

    def test_one_for_all(self) -> None:
        """Whoever looks at the same attempt has the same copy; another attempt has another."""
        with (
            self.mirrors.of(1, 1, self.fetch) as one,
            self.mirrors.of(1, 1, self.fetch) as same,
            self.mirrors.of(1, 2, self.fetch) as other,
        ):
            self.assertIs(one, same)
            self.assertIsNot(one, other)

    def test_told(self) -> None:
        """Who listens hears of more, and of nothing else."""
        heard: list[int] = []
        with self.mirrors.of(1, 1, self.fetch) as mirror:
            with mirror.changed.telling(lambda: heard.append(mirror.size)):
                self.clock.advance(INTERVAL)
                self.log = b"line\n"
                self.clock.advance(INTERVAL)
            self.log += b"line\n"
            self.clock.advance(INTERVAL)
        self.assertEqual([5], heard)

    def test_nobody_looks(self) -> None:
        """A copy stays for a while, for who comes again; then the builder is left in peace."""
        with self.mirrors.of(1, 1, self.fetch) as mirror:
            pass
        self.clock.advance(KEPT / 2)
        with self.mirrors.of(1, 1, self.fetch) as again:
            self.assertIs(mirror, again)
        self.clock.advance(KEPT)
        asked = len(self.asked)
        self.clock.pump([INTERVAL] * 10)
        self.assertEqual(asked, len(self.asked))

    def test_a_builder_that_does_not_answer(self) -> None:
        """It is asked again later, from where the copy ends."""
        self.failing = True
        with self.mirrors.of(1, 1, self.fetch) as mirror:
            self.assertFalse(mirror.caught_up)
            self.failing, self.log = False, b"line\n"
            self.clock.advance(AFTER_ERROR)
            self.assertEqual(b"line\n", self.text(mirror))

    def test_a_log_without_end(self) -> None:
        """What is longer than a log may be is not copied any further."""
        mirrors = Mirrors(self.clock, inline_workers(), self.make_directory(), 2 * PIECE)
        self.addCleanup(lambda: self.successResultOf(mirrors.stop()))
        self.log = b"line\n" * PIECE
        with mirrors.of(1, 1, self.fetch) as mirror:
            self.assertTrue(mirror.caught_up)
            self.assertTrue(2 * PIECE - 5 <= mirror.size <= 2 * PIECE)

    def test_a_disk_that_takes_nothing(self) -> None:
        """The copy ends where it is, and the rest of the farm goes on."""
        mirrors = Mirrors(self.clock, inline_workers(), self.make_directory() / "none", 1000)
        self.addCleanup(lambda: self.successResultOf(mirrors.stop()))
        self.log = b"line\n"
        with mirrors.of(1, 1, self.fetch) as mirror:
            self.assertEqual((True, 0), (mirror.caught_up, mirror.size))
        self.flush_logged_errors()

    def test_so_many(self) -> None:
        """No more copies than a bound are made; those that are left make room."""
        entered = [self.mirrors.of(number, 1, self.fetch) for number in range(MAX_MIRRORS)]
        for one in entered:
            one.__enter__()
        with self.assertRaises(TooManyLogs), self.mirrors.of(999, 1, self.fetch):
            pass
        for one in entered:
            one.__exit__(None, None, None)
        self.clock.advance(KEPT)
        with self.mirrors.of(999, 1, self.fetch):
            pass
