"""Gathered files under their own names."""

import errno
import os
from pathlib import Path
from unittest import mock

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.packages import Results
from buildfarm.uploads.staging import stage
from buildfarm.vocab.errors import UploadPostponed


class StageTest(FarmTestCase):
    """From the numbers of the spool to names."""

    def setUp(self) -> None:
        super().setUp()
        self.files = Results().write(self.make_directory())
        self.directory = self.make_directory() / "outgoing"

    def staged(self) -> dict[str, bytes]:
        """What is in the directory."""
        return {path.name: path.read_bytes() for path in self.directory.iterdir()}

    def expected(self) -> dict[str, bytes]:
        """What was gathered."""
        return {file.name: file.path.read_bytes() for file in self.files}

    def test_links(self) -> None:
        """On one file system nothing is copied."""
        stage(self.files, self.directory)
        self.assertEqual(self.expected(), self.staged())
        for file in self.files:
            self.assertTrue((self.directory / file.name).samefile(file.path))

    def test_copies(self) -> None:
        """Where a file system cannot link to the spool's, files are copied."""
        with mock.patch.object(Path, "hardlink_to", side_effect=self.error(errno.EXDEV)):
            stage(self.files, self.directory)
        self.assertEqual(self.expected(), self.staged())

    def test_other_failures(self) -> None:
        """A failure that a copy would not mend is not hidden."""
        with (
            mock.patch.object(Path, "hardlink_to", side_effect=self.error(errno.ENOSPC)),
            self.assertRaises(OSError),
        ):
            stage(self.files, self.directory)

    def test_wrong_copy(self) -> None:
        """A copy that is not what was gathered is not published."""
        self.files[0].path.write_bytes(b"changed")
        with (
            mock.patch.object(Path, "hardlink_to", side_effect=self.error(errno.EXDEV)),
            self.assertRaisesRegex(UploadPostponed, "could not be copied"),
        ):
            stage(self.files, self.directory)

    def test_left_over_of_an_earlier_try(self) -> None:
        """What an earlier try left is not mixed with what is new."""
        self.directory.mkdir()
        (self.directory / "half").touch()
        stage(self.files, self.directory)
        self.assertEqual(self.expected(), self.staged())

    @staticmethod
    def error(code: int) -> OSError:
        """The system's error of this number."""
        return OSError(code, os.strerror(code))
