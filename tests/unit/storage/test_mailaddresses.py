"""Where people want their mail."""

from buildfarm.storage import mailaddresses, people
from buildfarm.vocab.errors import Refused
from tests.unit.storage.cases import StorageTestCase


class TestMailAddresses(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.act(people.add_person, "ann", "", False, "root", self.now())

    def test_set_and_taken_away(self) -> None:
        """Nobody has an address until it is set; it can be taken away."""
        self.assertIs(None, self.ask(mailaddresses.mail_address, "ann"))
        self.act(mailaddresses.set_mail_address, "ann", "ann@host.example", "root", self.now())
        self.assertEqual("ann@host.example", self.ask(mailaddresses.mail_address, "ann"))
        self.act(mailaddresses.set_mail_address, "ann", None, "root", self.now())
        self.assertIs(None, self.ask(mailaddresses.mail_address, "ann"))

    def test_refused(self) -> None:
        """What is no plain address is refused, line ends above all, and an unknown person."""
        for text in ("ann", "ann@", "-ann@b", "Ann <ann@b>", "a@b\nBcc: eve@c", "a b@c", "ä@b"):
            self.assertRaises(
                Refused, self.act, mailaddresses.set_mail_address, "ann", text, "root", self.now()
            )
        self.assertRaises(
            Refused, self.act, mailaddresses.set_mail_address, "eve", "e@b", "root", self.now()
        )
