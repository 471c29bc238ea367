"""What makes a change of a reprepro archive happen wholly or not at all.

Layer 3; tests in `tests/functional/uploads/test_reprepro.py`. Blocks on the disk; for who holds
the archive's lock.

reprepro keeps its database, its pool and its indexes in step only while it is not killed. So its
database is copied before each change, and a marker says so; both are on the disk before the change
begins. A marker that is found later means that a change was cut off: the copy takes the place of
the database, what the change added to the pool is removed, and the indexes are exported anew.
"""

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress

from buildfarm.flow.durable import (
    flush_directory,
    flush_tree,
    remove_tree,
    write_durably,
)
from buildfarm.uploads.layout import Layout
from buildfarm.vocab.errors import UploadPostponed

#: Cookies kept in the ledger: far more than uploads can be published and not yet recorded.
_REMEMBERED = 1000

#: Kept by a running reprepro; in a copy it would be one that nobody holds.
_LOCK_FILE = "lockfile"


class Undo:
    """The saved state of one archive, and the ledger of what was published in it."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    @property
    def pending(self) -> bool:
        """Whether a change was begun and not ended."""
        return self._layout.marker.exists()

    def published(self, cookie: str) -> bool:
        """Whether the upload of this cookie was published, as far back as the ledger goes."""
        return cookie in self._cookies()

    def begin(self, cookie: str) -> None:
        """Save the database before the upload `cookie` changes anything.

        Raises UploadPostponed where a reprepro is at work that is not ours.
        """
        layout = self._layout
        lock_file = layout.database / _LOCK_FILE
        if lock_file.exists():
            raise UploadPostponed(
                f"{lock_file} says that somebody runs reprepro there; if nobody does, remove it."
            )
        remove_tree(layout.saved_database)
        if layout.database.exists():
            ignored = shutil.ignore_patterns(_LOCK_FILE)
            shutil.copytree(layout.database, layout.saved_database, ignore=ignored)
        else:
            layout.saved_database.mkdir(mode=0o750)
        flush_tree(layout.saved_database)
        flush_directory(layout.root)
        self.note(cookie, ())

    def note(self, cookie: str, added: Sequence[str]) -> None:
        """Note which paths in `public/` the upload is going to add."""
        marker = {"cookie": cookie, "added": list(added)}
        write_durably(self._layout.marker, json.dumps(marker).encode())

    def commit(self, cookie: str) -> None:
        """Enter the upload into the ledger and forget what was saved; its change is on the disk."""
        cookies = [*self._cookies(), cookie][-_REMEMBERED:]
        write_durably(self._layout.ledger, ("\n".join(cookies) + "\n").encode())
        self.end()

    def end(self) -> None:
        """Forget what was saved."""
        self._layout.marker.unlink(missing_ok=True)
        flush_directory(self._layout.root)
        remove_tree(self._layout.saved_database)

    def restore(self) -> bool:
        """Bring back database and pool as they were; the indexes are to be exported, then `end`.

        False, and nothing is done, where the change had come to its end. May be cut off anywhere
        and done again.
        """
        layout = self._layout
        marker = json.loads(layout.marker.read_bytes())
        if self.published(marker["cookie"]):
            return False
        restored = layout.root / "db.restored"
        remove_tree(restored)
        shutil.copytree(layout.saved_database, restored)
        flush_tree(restored)
        remove_tree(layout.database)
        restored.rename(layout.database)
        flush_directory(layout.root)
        for path in marker["added"]:
            with suppress(FileNotFoundError):
                (layout.public / path).unlink()
        return True

    def _cookies(self) -> list[str]:
        try:
            return self._layout.ledger.read_text(encoding="ascii").split()
        except FileNotFoundError:
            return []
