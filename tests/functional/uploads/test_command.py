"""The `command` uploader: what the program is given, and what its end means."""

from buildfarm.vocab.archive import ArchiveSnapshot
from buildfarm.vocab.errors import UploadPostponed, UploadRefused
from buildfarm.vocab.states import UploaderKind
from tests.functional.uploads.publishing import Killed, PublishingTestCase, hello

PROGRAM = """#!/bin/sh
env | grep ^BUILDD_MANAGER_ | sort > {home}/environment
ls > {home}/files
echo run >> {home}/runs
cat {home}/words
exit $(cat {home}/status)
"""


class CommandTest(PublishingTestCase):
    """A program that notes how it was run."""

    uploader = UploaderKind.COMMAND

    def make_archive(self, **changed: object) -> ArchiveSnapshot:
        """An archive with that program for a path."""
        self.root.write_text(PROGRAM.format(home=self.home))
        self.root.chmod(0o755)
        self.ending(0)
        return super().make_archive(**changed)

    def ending(self, status: int, words: str = "") -> None:
        """Have the program end like this."""
        (self.home / "status").write_text(str(status))
        (self.home / "words").write_text(words)

    def runs(self) -> int:
        """How often the program was run."""
        return len((self.home / "runs").read_text().split())

    def test_what_it_is_given(self) -> None:
        """The files lie in its directory under their names; the environment names the upload."""
        files = self.spool(hello())
        self.publish(files)
        self.assertEqual([file.name for file in files], (self.home / "files").read_text().split())
        expected = {
            "ARCHIVE=main",
            "ARCHITECTURE=amd64",
            "CHANGES=hello_1.0_amd64.changes",
            "COMPONENT=main",
            "COOKIE=PACKAGEBUILD-1-1-0123abcd",
            "SOURCE=hello",
            "SUITE=bookworm",
            "VERSION=1.0",
        }
        lines = (self.home / "environment").read_text().split()
        self.assertEqual({f"BUILDD_MANAGER_{line}" for line in expected}, set(lines))

    def test_refused(self) -> None:
        """Status 65 refuses for good, with what the program said, escaped."""
        self.ending(65, "no \x1b[31mroom\n")
        with self.assertRaisesRegex(
            UploadRefused, r"refused the upload and said: no \\x1b\[31mroom"
        ):
            self.publish(self.spool(hello()))

    def test_failed(self) -> None:
        """Any other failure is tried again later."""
        for status in (1, 127):
            self.ending(status)
            with self.assertRaisesRegex(UploadPostponed, f"status {status} and said: nothing"):
                self.publish(self.spool(hello()))

    def test_at_least_once(self) -> None:
        """A try that is cut off is made again, with the same cookie."""
        files = self.spool(hello())
        self.assertRaises(Killed, self.publish, files, None, self.killing_at("upload.staged"))
        self.publish(files)
        self.publish(files)
        self.assertEqual(2, self.runs())

    def test_program_missing(self) -> None:
        """A program that is not there is waited for."""
        self.root.unlink()
        with self.assertRaisesRegex(UploadPostponed, "could not be started"):
            self.publish(self.spool(hello()))
