"""Files with secrets in them."""

from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.notifying.secretfiles import read_secret, unusable
from buildfarm.vocab.errors import Refused
from buildfarm.vocab.notificationsettings import MailSettings
from tests.unit.notifying.cases import settings, webhook


class TestReadSecret(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.make_directory() / "secret"

    def write(self, content: str, mode: int = 0o640) -> None:
        """Write the file."""
        self.path.write_text(content)
        self.path.chmod(mode)

    def test_content(self) -> None:
        """It is read without the line's end."""
        self.write("hunter2\n")
        self.assertEqual(b"hunter2", read_secret(self.path))

    def test_refused(self) -> None:
        """One that everybody can read is refused, one that is empty or huge, and none at all."""
        self.assertIn("No such file", str(self.assertRaises(Refused, read_secret, self.path)))
        self.write("hunter2", 0o644)
        self.assertIn("by everybody", str(self.assertRaises(Refused, read_secret, self.path)))
        self.write("  \n")
        self.assertIn("is empty", str(self.assertRaises(Refused, read_secret, self.path)))
        self.write("x" * 5000)
        self.assertIn("larger than", str(self.assertRaises(Refused, read_secret, self.path)))

    def test_unusable(self) -> None:
        """What `check-config` warns of: files that are named and cannot be used."""
        mail = MailSettings(host="h", user="u", password_file=self.path)
        told = settings(mail, webhook(secret_file=self.path))
        self.assertEqual(2, len(list(unusable(told))))
        self.write("hunter2")
        self.assertEqual([], list(unusable(told)))
        self.assertEqual([], list(unusable(settings(MailSettings(password_file=Path("/no"))))))
