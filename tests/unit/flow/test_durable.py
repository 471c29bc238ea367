"""What survives, and what a full disk is called."""

import errno
import os
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.durable import flush_tree, full_disk_named, remove_tree, write_durably
from buildfarm.vocab.errors import DiskFull


class DurableTest(FarmTestCase):
    """Files that are there whole or not at all."""

    def test_write_replaces_the_whole_file(self) -> None:
        """The new content takes the place of the old, with the mode asked for."""
        path = self.make_directory() / "marker"
        write_durably(path, b"a longer first text")
        write_durably(path, b"second", mode=0o600)
        self.assertEqual(b"second", path.read_bytes())
        self.assertEqual(0o600, path.stat().st_mode & 0o777)
        self.assertEqual([path], list(path.parent.iterdir()))

    def test_remove_tree_is_content_with_nothing(self) -> None:
        """Removing what is not there is no error, so that a retry may do it again."""
        root = self.make_directory() / "outgoing"
        (root / "deep").mkdir(parents=True)
        (root / "deep" / "file").touch()
        remove_tree(root)
        remove_tree(root)
        self.assertFalse(root.exists())

    def test_flush_tree_takes_every_kind_of_content(self) -> None:
        """Files, empty directories, links to nowhere and pipes are passed without complaint."""
        root = self.make_directory()
        (root / "empty").mkdir()
        (root / "file").touch()
        (root / "link").symlink_to("nowhere")
        os.mkfifo(root / "pipe")
        flush_tree(root)

    def test_flush_tree_passes_over_what_vanishes(self) -> None:
        """A program that ends removes its sockets while they are being looked at."""
        root = self.make_directory()
        (root / "file").touch()
        self.patch(os, "walk", lambda _: [(str(root), [], ["gone", "file"])])
        flush_tree(root)

    def test_a_full_disk_has_its_own_error(self) -> None:
        """No space and an exceeded quota are the manager's trouble, told with the place."""
        for code in (errno.ENOSPC, errno.EDQUOT):
            with (
                self.assertRaisesRegex(DiskFull, "/srv/spool"),
                full_disk_named(Path("/srv/spool")),
            ):
                raise OSError(code, os.strerror(code))

    def test_other_errors_pass(self) -> None:
        """What is not about room stays what it is."""
        with self.assertRaises(PermissionError), full_disk_named(Path("/srv/spool")):
            raise PermissionError(errno.EACCES, "no")
