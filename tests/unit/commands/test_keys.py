"""Files with public keys, armored or not."""

import os
import subprocess

from buildfarm.commands.keys import MAX_KEYS, read_key
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.errors import Refused

ARMORED = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDME\n-----END PGP PUBLIC KEY BLOCK-----\n"


class TestKeys(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.make_directory() / "key"

    def refusal(self, content: bytes) -> str:
        """The sentence with which a file of this content is refused."""
        self.path.write_bytes(content)
        return str(self.assertRaises(Refused, read_key, self.path))

    def test_armored(self) -> None:
        """An armored key is taken as it is."""
        self.path.write_text(ARMORED)
        self.assertEqual(ARMORED, read_key(self.path))

    def test_pipe(self) -> None:
        """A pipe that nobody writes to is refused, and not waited for."""
        os.mkfifo(self.path)
        self.assertIn("not a plain file", str(self.assertRaises(Refused, read_key, self.path)))

    def test_binary(self) -> None:
        """A binary keyring is armored, so that gpg reads the same keys from it."""
        home = self.make_directory()

        def gpg(*arguments: str, given: bytes = b"") -> bytes:
            command = ["gpg", "--homedir", str(home), "--batch", "--quiet", *arguments]
            return subprocess.run(command, input=given, check=True, capture_output=True).stdout

        self.addCleanup(
            subprocess.run, ["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True
        )
        gpg("--passphrase", "", "--quick-generate-key", "bob", "ed25519", "sign", "never")
        keyring = gpg("--export")
        self.path.write_bytes(keyring)
        armored = read_key(self.path)
        self.assertTrue(armored.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"))
        self.assertEqual(keyring, gpg("--dearmor", given=armored.encode()))

    def test_no_key(self) -> None:
        """A file without a public key is refused, a secret one too."""
        for content in (
            b"",
            b"hello",
            b"\x95secret",
            ARMORED.replace("PUBLIC", "PRIVATE").encode(),
            ARMORED.encode() + b"\xff",
        ):
            self.assertEqual(
                f"{self.path} holds no public key, neither armored nor binary.",
                self.refusal(content),
            )

    def test_huge(self) -> None:
        """So is one that no request could carry."""
        self.assertIn("larger than the", self.refusal(b"x" * (MAX_KEYS + 1)))

    def test_not_there(self) -> None:
        """And one that cannot be read."""
        error = self.assertRaises(Refused, read_key, self.path)
        self.assertEqual(f"{self.path} cannot be read: No such file or directory.", str(error))
