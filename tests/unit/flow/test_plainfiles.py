"""Files that a person named: plain ones are opened, and nothing else is waited for."""

import os
import socket
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.plainfiles import NotPlain, open_plain


class TestOpenPlain(FarmTestCase):
    def test_plain(self) -> None:
        """A plain file is opened, through a link too."""
        directory = self.make_directory()
        (directory / "file").write_bytes(b"content")
        (directory / "link").symlink_to("file")
        with open_plain(directory / "link") as file:
            self.assertEqual(b"content", file.read())

    def test_others(self) -> None:
        """A directory, a pipe without a writer and a device are refused at once."""
        directory = self.make_directory()
        os.mkfifo(directory / "pipe")
        for path in (directory, directory / "pipe", Path("/dev/zero")):
            error = self.assertRaises(NotPlain, open_plain, path)
            self.assertEqual("it is not a plain file", error.strerror)

    def test_what_cannot_be_opened(self) -> None:
        """A socket, a name that is none and a file that is missing are errors with a reason."""
        directory = self.make_directory()
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(directory / "socket"))
            for name in ("socket", "a\0b", "missing"):
                error = self.assertRaises(OSError, open_plain, directory / name)
                self.assertTrue(error.strerror, name)
