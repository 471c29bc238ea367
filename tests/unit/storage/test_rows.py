"""What the database answers, read back into snapshots."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.storage.rows import (
    CHROOT,
    files_as_json,
    files_of,
    optional,
    texts_as_json,
    texts_of,
    time_of,
)
from buildfarm.vocab.archive import ChrootSnapshot
from buildfarm.vocab.build import StoredFile
from buildfarm.vocab.states import ResetProtocol

_files = st.builds(
    StoredFile, st.text(), st.integers(0, 2**50), st.text(max_size=40), st.text(max_size=64)
)


class TestColumns(FarmTestCase):
    @given(st.datetimes())
    def test_times_come_back(self, moment: datetime) -> None:
        """A time is the same after SQLite has kept it as text, to the microsecond."""
        self.assertEqual(moment, time_of(str(moment)))

    @given(st.datetimes(), st.datetimes())
    def test_times_compare_as_text(self, one: datetime, other: datetime) -> None:
        """Times as SQLite keeps them sort like times, with and without microseconds."""
        self.assertEqual(one < other, str(one) < str(other))

    def test_real_datetimes_pass(self) -> None:
        """A database that answers datetimes is understood as well."""
        moment = datetime(2026, 1, 2, 3, 4, 5, 6)
        self.assertEqual(moment, time_of(moment))
        self.assertIsNone(time_of(None))

    @given(st.lists(st.text()))
    def test_texts_come_back(self, texts: list[str]) -> None:
        """Several texts in one column keep their order and every character."""
        self.assertEqual(tuple(texts), texts_of(texts_as_json(texts)))

    @given(st.lists(_files, max_size=5))
    def test_files_come_back(self, files: list[StoredFile]) -> None:
        """Files in one column keep their order, and names that a builder chose."""
        self.assertEqual(tuple(files), files_of(files_as_json(files)))

    def test_optional(self) -> None:
        """None stays None, everything else is decoded."""
        decode = optional(ResetProtocol)
        self.assertIsNone(decode(None))
        self.assertIs(ResetProtocol.ASYNCHRONOUS, decode("2.0"))


class TestShape(FarmTestCase):
    def test_one_snapshot_of_a_wider_row(self) -> None:
        """A shape reads its columns from where they begin in a row of several."""
        chroot = ("debian", "bookworm", "amd64", "chroot", 7, "a" * 40, "b" * 64)
        read = CHROOT.read((1, "other", *chroot, "more"), 2)
        self.assertEqual(ChrootSnapshot(*chroot), read)
