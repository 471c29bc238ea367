"""The configuration file: what is taken, and what every refusal says."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from buildfarm.assembly.ranges import RANGES
from buildfarm.assembly.settings import load
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.errors import SettingsError
from buildfarm.vocab.settings import ManagerSettings, Settings


class SettingsCase(FarmTestCase):
    """A configuration file of the test's own."""

    def setUp(self) -> None:
        super().setUp()
        self.directory = self.make_directory()
        self.path = self.directory / "farm.toml"

    def load(self, text: str, state_dir: str = 'state_dir = "var"') -> Settings:
        """The settings of a file whose first section is `[manager]` with a state directory."""
        self.path.write_text(f"[manager]\n{state_dir}\n{text}")
        return load(self.path)

    def faults(self, text: str) -> list[str]:
        """What the refusal of such a file says, line by line, without the file's name."""
        error = self.assertRaises(SettingsError, self.load, text)
        lines = str(error).splitlines()
        for line in lines:
            self.assertTrue(line.startswith(f"{self.path}: "), line)
        return [line.removeprefix(f"{self.path}: ") for line in lines]


class TestAccepted(SettingsCase):
    def test_only_the_state_directory_is_needed(self) -> None:
        """Every other key has its default."""
        expected = Settings(manager=ManagerSettings(state_dir=self.directory / "var"))
        self.assertEqual(expected, self.load(""))

    def test_relative_paths_are_the_files(self) -> None:
        """A path is relative to the file's directory, wherever the command is started."""
        settings = self.load(
            'control_socket = "run/control"\n[resets]\ncommand = ["./reset", "%(vm_host)s"]'
        )
        self.assertEqual(self.directory / "run/control", settings.control_socket)
        self.assertEqual((str(self.directory / "reset"), "%(vm_host)s"), settings.resets.command)

    def test_absolute_paths_and_commands_stay(self) -> None:
        """An absolute path is taken as it is, and a command without a slash is left to PATH."""
        settings = self.load('[resets]\ncommand = ["virsh", "x"]', 'state_dir = "/srv/farm"')
        self.assertEqual(Path("/srv/farm"), settings.manager.state_dir)
        self.assertEqual(("virsh", "x"), settings.resets.command)

    def test_a_whole_number_is_a_number(self) -> None:
        """Seconds need no decimal point."""
        self.assertEqual(5.0, self.load("[scanning]\ncall_timeout = 5").scanning.call_timeout)

    def test_every_number_has_a_range(self) -> None:
        """No numeric setting goes unchecked, and every default is allowed."""
        settings = self.load('[[webhooks]]\nname = "ci"\nurl = "http://h/"\nsecret_file = "s"')
        numbers = {
            (section.name, key.name)
            for section in fields(settings)
            for key in fields(one_of(getattr(settings, section.name)))
            if isinstance(getattr(one_of(getattr(settings, section.name)), key.name), int | float)
            and not isinstance(getattr(one_of(getattr(settings, section.name)), key.name), bool)
        }
        self.assertEqual(numbers, set(RANGES))


def one_of(section: Any) -> Any:
    """A section, or the first of several of a kind."""
    return section[0] if isinstance(section, tuple) else section


class TestRefused(SettingsCase):
    def test_unknown_key(self) -> None:
        """An unknown key is refused with the known one that resembles it."""
        self.assertEqual(
            ["manager.databse: is no setting; perhaps database is meant."],
            self.faults('databse = "x"'),
        )

    def test_unknown_key_unlike_any(self) -> None:
        """An unknown key that resembles none is refused with the list of those there are."""
        (line,) = self.faults("[web]\nqqq = 1")
        self.assertEqual(
            "web.qqq: is no setting; known here: listen, public_url, proxies, max_upload, "
            "max_uploads, session_lasts.",
            line,
        )

    def test_unknown_section(self) -> None:
        """So is an unknown section."""
        self.assertEqual(
            ["gathr: is no setting; perhaps gather is meant."], self.faults("[gathr]\nx = 1")
        )

    def test_wrong_types(self) -> None:
        """A value of another type is refused with the type that is wanted."""
        self.assertEqual(
            [
                "manager.file_threads: must be a whole number, not '3'.",
                "web.listen: must be a text in quotes, not 5.",
                "scanning.cpu_share: must be a number, not True.",
                "resets.command: must be a list, not 'reset'.",
            ],
            self.faults(
                'file_threads = "3"\n[web]\nlisten = 5\n'
                '[scanning]\ncpu_share = true\n[resets]\ncommand = "reset"'
            ),
        )

    def test_missing_state_directory(self) -> None:
        """The one key without a default is named."""
        self.path.write_text("[manager]\n")
        error = self.assertRaises(SettingsError, load, self.path)
        self.assertEqual(
            f"{self.path}: manager.state_dir: is missing and has no default.", str(error)
        )

    def test_numbers_out_of_range(self) -> None:
        """Every impossible number is named with what is allowed, all at once."""
        self.assertEqual(
            [
                "manager.file_threads: 0 is not between 1 and 64.",
                "manager.switch_interval: nan is not between 0.0001 and 0.1.",
            ],
            self.faults("file_threads = 0\nswitch_interval = nan"),
        )

    def test_numbers_that_contradict_each_other(self) -> None:
        """A file may not be larger than all files together."""
        (line,) = self.faults("[gather]\nmax_file_bytes = 200\nmax_total_bytes = 100")
        self.assertEqual(
            "gather.max_file_bytes: 200 is more than max_total_bytes, which is 100.", line
        )

    def test_listener(self) -> None:
        """An address that is no endpoint is refused with the forms that are."""
        (line,) = self.faults('[web]\nlisten = "8085"')
        self.assertIn("web.listen: '8085': '8085' is no kind of address; allowed: tcp:PORT", line)

    def test_proxies(self) -> None:
        """Addresses and networks of proxies are; what is neither is named."""
        found = self.load('[web]\nproxies = ["192.0.2.80", "10.0.0.0/8", "unix"]').web.proxies
        self.assertEqual(("192.0.2.80", "10.0.0.0/8", "unix"), found)
        (line,) = self.faults('[web]\nproxies = ["proxy.example"]')
        self.assertEqual(
            "web.proxies: 'proxy.example' is neither an address, nor a network such as "
            "10.0.0.0/8, nor unix.",
            line,
        )

    def test_public_url(self) -> None:
        """A public URL is one that others can reach, without secrets in it."""
        for url in (
            "ftp://h",
            "http://",
            "http://user:pw@h",
            "http://h:x",
            "http://h/?q",
            "h:80",
            "http://a b",
        ):
            (line,) = self.faults(f'[files]\npublic_url = "{url}"')
            self.assertIn("files.public_url: ", line)

    def test_database(self) -> None:
        """A database is SQLite at a place that does not depend on where we are, or PostgreSQL."""
        for uri in ("postgres://farm", "mysql://host/farm", "sqlite:///farm.db", "farm.db"):
            (line,) = self.faults(f'database = "{uri}"')
            self.assertIn(f"manager.database: '{uri}' is no database that can be used", line)

    def test_password_of_the_database(self) -> None:
        """What is wrong with the URI of a database is told without its password."""
        for uri in ("mysql://buildd:secret@host/farm", "postgres://buildd:secret@host:x/farm"):
            (line,) = self.faults(f'database = "{uri}"')
            self.assertIn("is no database", line)
            self.assertNotIn("secret", line)

    def test_socket_path_too_long(self) -> None:
        """A socket's path is short by the system's rules."""
        (line,) = self.faults(f'control_socket = "{"x" * 108}"')
        self.assertIn("longer than the 107 bytes", line)

    def test_reset_command(self) -> None:
        """An unknown place in the reset command is refused with the known ones."""
        self.assertEqual(
            [
                (
                    "resets.command: '--host=%(host)s': %(host)s is replaced by nothing; "
                    "known are %(vm_host)s and %(buildd_name)s."
                )
            ],
            self.faults('[resets]\ncommand = ["reset", "--host=%(host)s", "100%", "%(vm_host)s"]'),
        )

    def test_not_toml(self) -> None:
        """A file that is no TOML is refused with the place."""
        (line,) = self.faults("x = = 1")
        self.assertIn("is not TOML: ", line)
        self.assertIn("line 3", line)

    def test_toml_without_end(self) -> None:
        """Nor does a number without end, or a list in lists, do more than that."""
        for text in ("x = " + "9" * 5000, "x = " + "[" * 10_000):
            (line,) = self.faults(text)
            self.assertIn("is not TOML: ", line)

    def test_nul(self) -> None:
        """What no path and no argument can hold is refused by key."""
        self.assertEqual(
            [
                "manager.control_socket: holds the character NUL.",
                "resets.command: holds the character NUL.",
            ],
            self.faults('control_socket = "a\\u0000"\n[resets]\ncommand = ["a\\u0000"]'),
        )

    def test_not_there(self) -> None:
        """A file that is not there is named."""
        error = self.assertRaises(SettingsError, load, self.directory / "none.toml")
        self.assertEqual(
            f"{self.directory}/none.toml: cannot be read: No such file or directory.", str(error)
        )

    def test_not_text(self) -> None:
        """A binary file is refused, as is a huge one."""
        self.path.write_bytes(b"\xff\xfe")
        self.assertIn("not UTF-8", str(self.assertRaises(SettingsError, load, self.path)))
        self.path.write_bytes(b"#" * (1024 * 1024 + 1))
        self.assertIn("larger than", str(self.assertRaises(SettingsError, load, self.path)))


class TestNotifications(SettingsCase):
    """What is said of mail and webhooks."""

    WEBHOOK = '[[webhooks]]\nname = "ci"\nurl = "https://h/x?y=z"\nsecret_file = "ci.secret"\n'

    def test_paths(self) -> None:
        """Files with secrets are found from the configuration's directory."""
        settings = self.load(f'[mail]\npassword_file = "pw"\n{self.WEBHOOK}')
        self.assertEqual(self.directory / "pw", settings.mail.password_file)
        self.assertEqual(self.directory / "ci.secret", settings.webhooks[0].secret_file)

    def test_mail(self) -> None:
        """Mail has a sender, plain addresses, a known kind of TLS, and no password in the clear."""
        self.assertEqual(
            [
                "mail.tls: 'ssl' is none of none, starttls, implicit.",
                "mail.events: 'all' is none of builder-failed, build-failed, upload-refused.",
                "mail.sender: '' is no mail address, and mail has to have one.",
                "mail.recipients: 'Ann <a@b>' is no mail address (name@host, in ASCII).",
                "mail.user: a user needs a password_file.",
            ],
            self.faults(
                '[mail]\nhost = "h"\ntls = "ssl"\nevents = ["all"]\n'
                'recipients = ["Ann <a@b>"]\nuser = "u"'
            ),
        )
        (line,) = self.faults('[mail]\nhost = "h"\nsender = "a@b"\nuser = "u"\npassword_file = "p"')
        self.assertIn("mail.tls: without TLS the password would be readable", line)
        self.load('[mail]\nhost = "localhost"\nsender = "a@b"\nuser = "u"\npassword_file = "p"')

    def test_webhooks(self) -> None:
        """Webhooks have names of their own, URLs without secrets, and no other keys."""
        for fault, text in (
            ("webhooks.name: 'ci' is used twice", self.WEBHOOK + self.WEBHOOK),
            ("webhooks.name: 'C I' is no name", self.WEBHOOK.replace('"ci"', '"C I"')),
            (
                "webhooks.url: 'ftp://h' is no URL",
                self.WEBHOOK.replace("https://h/x?y=z", "ftp://h"),
            ),
            ("webhooks.url: ", self.WEBHOOK.replace("https://h", "https://u:p@h")),
            ("webhooks.0.secret: is no setting; perhaps secret_file", self.WEBHOOK + "secret = 1"),
            ("webhooks.deadline: 0.0 is not between", self.WEBHOOK + "deadline = 0.0"),
        ):
            self.assertIn(fault, "\n".join(self.faults(text)))
