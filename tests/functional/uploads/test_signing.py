"""Keys that sign an archive, with the real gpg and apt."""

import os
import subprocess
from pathlib import Path

from buildfarm.uploads.signing import SigningKey, import_signing_key, make_signing_key
from buildfarm.vocab.errors import Refused, UploadPostponed
from buildfarm.vocab.states import UploaderKind
from tests.functional.uploads.apt import AptTestCase
from tests.functional.uploads.publishing import hello


def processes_naming(text: str) -> list[str]:
    """The command lines of processes that mention `text`."""
    lines = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((directory / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return [line for line in lines if text in line]


class SigningTest(AptTestCase):
    """An archive that is signed."""

    uploader = UploaderKind.REPREPRO

    def sign_with(self, key: SigningKey) -> None:
        """Have the archive signed with `key`, and apt trust nothing else."""
        self.archive = self.make_archive(key_id=key.fingerprint, trusted_keys=(key.public_key,))
        (self.apt / "trusted" / "archive.asc").write_text(key.public_key)
        self.use_source("")

    def assert_apt_trusts(self) -> None:
        """apt reads the archive without a word."""
        self.publish(self.spool(hello()))
        self.apt_get("update")
        self.assertIn("Version: 1.0", self.apt_cache("show", "hello"))

    def test_made_key(self) -> None:
        """A key is made once, and signs what is published."""
        key = make_signing_key(self.root, "main")
        self.assertEqual(key, make_signing_key(self.root, "main"))
        self.sign_with(key)
        self.assert_apt_trusts()
        self.assertEqual(key.public_key, (self.root / "public/archive-key.asc").read_text())

    def test_secret_stays_secret(self) -> None:
        """Only the owner can enter the directory of the key or read it; it is not published."""
        self.sign_with(make_signing_key(self.root, "main"))
        self.assertEqual(0o700, (self.root / "keys").stat().st_mode & 0o777)
        secrets = [*(self.root / "keys" / "private-keys-v1.d").iterdir()]
        self.assertEqual([0o600], [path.stat().st_mode & 0o777 for path in secrets])
        self.assertFalse(
            [path for path in (self.root / "public").rglob("*") if "private" in str(path)]
        )

    def test_nothing_keeps_running(self) -> None:
        """gpg's agent ends with what needed it."""
        self.sign_with(make_signing_key(self.root, "main"))
        self.publish(self.spool(hello()))
        self.assertEqual([], processes_naming(str(self.root)))

    def test_named_key(self) -> None:
        """A key that the operator has is taken from a file."""
        other = self.home / "other"
        made = make_signing_key(other, "other")
        secret = self.home / "secret.asc"
        home = ("--homedir", str(other / "keys"))
        command = ["gpg", *home, "--batch", "--armor", "--export-secret-keys", made.fingerprint]
        secret.write_bytes(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        subprocess.run(["gpgconf", *home, "--kill", "gpg-agent"], check=True)
        key = import_signing_key(self.root, secret)
        self.assertEqual(made.fingerprint, key.fingerprint)
        self.sign_with(key)
        self.assert_apt_trusts()
        os.truncate(secret, 0)
        with self.assertRaisesRegex(Refused, "gpg failed"):
            import_signing_key(self.home / "third", secret)
        self.assertFalse((self.home / "third").exists())

    def test_another_key_than_the_archives(self) -> None:
        """A key that is refused is not kept: the archive's own can still be named."""
        own = make_signing_key(self.root, "main")
        other = self.home / "other"
        make_signing_key(other, "other")
        secret = self.home / "secret.asc"
        command = ["gpg", "--homedir", str(other / "keys"), "--batch", "--export-secret-keys"]
        secret.write_bytes(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        with self.assertRaisesRegex(Refused, f"holds the key {own.fingerprint} already"):
            import_signing_key(self.root, secret)
        self.assertEqual(own, make_signing_key(self.root, "main"))

    def test_wrong_key(self) -> None:
        """An archive cannot be made with a key that it does not have."""
        make_signing_key(self.root, "main")
        self.assertRaises(Refused, self.make_archive, key_id="0" * 40)

    def test_key_gone(self) -> None:
        """An archive whose key is gone publishes nothing unsigned."""
        self.sign_with(make_signing_key(self.root, "main"))
        (self.root / "keys").rename(self.home / "keys")
        with self.assertRaisesRegex(UploadPostponed, "reprepro failed"):
            self.publish(self.spool(hello()))
        (self.home / "keys").rename(self.root / "keys")
        self.assert_apt_trusts()
