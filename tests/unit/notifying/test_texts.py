"""What people read."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.notifying.texts import subject, text
from buildfarm.vocab.news import NewsKind
from tests.unit.notifying.cases import BUILD, WEB, broken, delivery, notice


class TestSubject(FarmTestCase):
    def test_one(self) -> None:
        """A single thing is named."""
        self.assertEqual(
            "[buildd] failed to build: hello 1.0-1 amd64 in main/bookworm",
            subject(delivery(notice())),
        )
        self.assertEqual("[buildd] the builder bob has failed", subject(delivery(broken())))
        refused = notice(kind=NewsKind.UPLOAD_REFUSED)
        self.assertEqual(
            "[buildd] upload refused: hello 1.0-1 amd64 in main/bookworm",
            subject(delivery(refused)),
        )

    def test_many(self) -> None:
        """Many are counted, by kind."""
        self.assertEqual(
            "[buildd] 1 builder failed, 2 builds failed",
            subject(delivery(notice(1), broken(2), notice(3))),
        )

    def test_more_than_are_told(self) -> None:
        """A storm is counted as a whole."""
        self.assertEqual(
            "[buildd] 1000 failures, among them 1 builder failed",
            subject(delivery(broken(), count=1000)),
        )

    @given(st.text())
    def test_one_line(self, anything: str) -> None:
        """Whatever is in it, a subject is one line of printable text."""
        build = replace(BUILD, version=anything)
        found = subject(delivery(notice(build=build)))
        self.assertTrue(all(ord(character) >= 32 for character in found), found)


class TestText(FarmTestCase):
    def test_notices(self) -> None:
        """Each thing has its time, its reason, and where there is more."""
        told = text(delivery(notice(), broken(2, reason="It answers nothing.")), WEB)
        self.assertEqual(
            "2026-01-01 00:00:00  failed to build: hello 1.0-1 amd64 in main/bookworm\n"
            "  bob ended the build with PACKAGEFAIL: the package does not build.\n"
            "  http://farm.example/builds/7\n"
            "\n"
            "2026-01-01 00:00:00  the builder bob has failed\n"
            "  It answers nothing.\n"
            "  http://farm.example/builders/bob\n"
            "\n"
            "Times are UTC. Delivery news-0123abcd-3.\n",
            told,
        )

    def test_more(self) -> None:
        """Of a storm the beginning is told, and how many there are."""
        self.assertIn(
            "… and 999 more: http://farm.example/", text(delivery(broken(), count=1000), WEB)
        )

    def test_escaped(self) -> None:
        """Control characters of a package's reach no terminal, and no line looks like ours."""
        told = text(delivery(notice(reason="a\x1b[2J\nTimes are UTC.")), WEB)
        self.assertIn("  a\\x1b[2J Times are UTC.\n", told)
