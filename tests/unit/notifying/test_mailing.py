"""Mail as it is composed."""

from dataclasses import replace
from email import message_from_bytes
from email.policy import default

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.notifying.mailing import compose
from tests.unit.notifying.cases import BUILD, WEB, delivery, notice

_HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Buildd-Manager-Delivery",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
]


class TestCompose(FarmTestCase):
    def test_headers(self) -> None:
        """Every try has the same Message-ID; nobody's absence note is asked for."""
        message = compose(delivery(notice()), "farm@farm.example", "ann@b", WEB, BEGINNING)
        self.assertEqual(
            ("farm@farm.example", "ann@b", "<news-0123abcd-3@farm.example>", "auto-generated"),
            (message["From"], message["To"], message["Message-ID"], message["Auto-Submitted"]),
        )
        self.assertEqual("Thu, 01 Jan 2026 00:00:00 +0000", message["Date"])

    @given(st.text(), st.text())
    def test_nothing_is_smuggled_in(self, version: str, reason: str) -> None:
        """Whatever a package is called and says, the mail has our headers and one text part."""
        told = notice(build=replace(BUILD, version=version), reason=f"\r\nBcc: eve@c{reason}")
        raw = compose(delivery(told), "farm@farm.example", "ann@b", WEB, BEGINNING).as_bytes()
        read = message_from_bytes(raw, policy=default)
        self.assertEqual(sorted(_HEADERS), sorted(read.keys()))
        self.assertEqual("text/plain", read.get_content_type())
        self.assertTrue(all(len(line) < 999 for line in raw.splitlines()))
