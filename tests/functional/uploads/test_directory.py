"""The `directory` uploader: what appears in `incoming`, and that it appears once."""

import shutil
from dataclasses import replace

from buildfarm.uploads.creation import create_archive
from buildfarm.uploads.directory import publish_into_directory
from buildfarm.vocab.errors import UploadPostponed, UploadRefused
from tests.functional.uploads.publishing import Killed, PublishingTestCase, hello

STEPS = ["upload.checked", "upload.prepared", "upload.renamed"]


class DirectoryTestCase(PublishingTestCase):
    """Uploads of hello into a directory."""

    def setUp(self) -> None:
        super().setUp()
        self.files = self.spool(hello())

    def published(self) -> dict[str, dict[str, bytes]]:
        """What a reader of `incoming` finds: names and contents by cookie."""
        return {
            upload.name: {path.name: path.read_bytes() for path in upload.iterdir()}
            for upload in (self.root / "incoming").iterdir()
        }

    def expected(self) -> dict[str, dict[str, bytes]]:
        """What should be found."""
        contents = {file.name: file.path.read_bytes() for file in self.files}
        return {"PACKAGEBUILD-1-1-0123abcd": contents}


class TestPublishing(DirectoryTestCase):
    def test_published(self) -> None:
        """All files appear under their own names, and nothing is left in `outgoing`."""
        self.publish(self.files)
        self.assertEqual(self.expected(), self.published())
        self.assertEqual([], [*(self.root / "outgoing").iterdir()])
        self.assertEqual(STEPS, self.steps)
        self.assertTrue(self.prepared)

    def test_again(self) -> None:
        """Publishing what is published already changes nothing, whatever the database knows."""
        self.publish(self.files)
        for prepared in (True, False):
            self.publish(self.files, self.task(prepared=prepared))
        self.assertEqual(self.expected(), self.published())

    def test_reader_was_faster(self) -> None:
        """What was prepared and is in `outgoing` no more was published, and is not published again.

        The reader may have taken it away, and the spool may be gone as well.
        """
        self.publish(self.files)
        shutil.rmtree(self.root / "incoming" / "PACKAGEBUILD-1-1-0123abcd")
        shutil.rmtree(self.files[0].path.parent)
        self.publish(self.files, self.task(prepared=True))
        self.assertEqual({}, self.published())

    def test_refused_results(self) -> None:
        """Results that do not pass the check leave no trace in the archive."""
        with self.assertRaisesRegex(UploadRefused, "not other"):
            self.publish(self.files, self.task(source="other", binaries=("hello", "hello-data")))
        self.assertEqual({}, self.published())
        self.assertEqual([], [*(self.root / "outgoing").iterdir()])

    def test_directory_not_there(self) -> None:
        """An archive that is not mounted is waited for; it is not taken for a published upload."""
        self.root.rename(self.home / "elsewhere")
        for prepared in (False, True):
            with self.assertRaisesRegex(UploadPostponed, "not mounted"):
                self.publish(self.files, self.task(prepared=prepared))
        create_archive(self.archive, self.locks_dir)
        self.publish(self.files)
        self.assertEqual(self.expected(), self.published())

    def test_no_permission(self) -> None:
        """What the system refuses is tried again later, with its words."""
        shutil.rmtree(self.root / "outgoing")
        (self.root / "outgoing").symlink_to("/proc")
        with self.assertRaisesRegex(UploadPostponed, "PACKAGEBUILD-1-1-0123abcd"):
            self.publish(self.files)


class TestMadeAgain(DirectoryTestCase):
    """A restored database does not know of an upload, and the build is made again."""

    def setUp(self) -> None:
        super().setUp()
        self.publish(self.files)
        self.prepared = False

    def read_away(self) -> None:
        """The reader takes what is in `incoming`."""
        for upload in (self.root / "incoming").iterdir():
            shutil.rmtree(upload)

    def test_same_contents(self) -> None:
        """It is published already, and not once more, also when its reader has taken it."""
        self.read_away()
        self.publish(self.spool(hello(), 2), self.task(number=2))
        self.assertEqual({}, self.published())

    def test_other_contents(self) -> None:
        """It is refused in a sentence that names the upload of before."""
        self.read_away()
        other = self.spool(hello(), 2)
        other = (replace(other[0], sha256="0" * 64), *other[1:])
        with self.assertRaisesRegex(UploadRefused, "already, by the upload PACKAGEBUILD-1-1-"):
            publish_into_directory(self.task(number=2), other, report=self.steps.append)
        self.assertEqual({}, self.published())

    def test_the_very_upload(self) -> None:
        """Its attempt is still due by the database: published it was, read away or not."""
        self.read_away()
        self.publish(self.files)
        shutil.rmtree(self.files[0].path.parent)
        self.publish(self.files)
        self.assertEqual({}, self.published())

    def test_never_public(self) -> None:
        """What was recorded, and never came to be public, is no obstacle to the next."""
        task = self.task(number=2, suite="other")
        files = self.spool(hello(), 2)
        self.assertRaises(Killed, self.publish, files, task, self.killing_at("upload.prepared"))
        self.prepared = False
        self.publish(self.spool(hello(), 3), self.task(number=3, suite="other"))
        self.assertEqual([], [*(self.root / "outgoing").iterdir()])
        self.assertIn("PACKAGEBUILD-3-1-0123abcd", self.published())

    def test_results_that_are_gone(self) -> None:
        """Neither published nor in the spool: the sentence says how to build it again."""
        task = self.task(number=4, suite="other")
        files = self.spool(hello(), 4)
        shutil.rmtree(files[0].path.parent)
        with self.assertRaisesRegex(UploadRefused, "build retry 4 --rebuild"):
            self.publish(files, task)


class TestKills(DirectoryTestCase):
    def test_killed_at_each_step(self) -> None:
        """Wherever a try is cut off, the next ones bring the upload to `incoming` once."""
        for number, fatal in enumerate(STEPS, 1):
            files = self.spool(hello(), number)
            self.prepared = False
            task = self.task(number=number, suite=f"suite{number}")
            self.assertRaises(Killed, self.publish, files, task, self.killing_at(fatal))
            again = replace(task, attempt=replace(task.attempt, prepared=self.prepared))
            self.publish(files, again)
            self.publish(files, replace(again, attempt=replace(task.attempt, prepared=True)))
        cookies = [f"PACKAGEBUILD-{number}-1-0123abcd" for number in range(1, len(STEPS) + 1)]
        self.assertEqual(cookies, sorted(self.published()))
        self.assertEqual([], [*(self.root / "outgoing").iterdir()])

    def test_manager_killed_at_each_step(self) -> None:
        """The child of a killed manager publishes nothing that the database does not know of."""
        for number, last in enumerate(STEPS, 1):
            files = self.spool(hello(), number)
            self.prepared = False
            task = self.task(number=number, suite=f"suite{number}")
            self.orphan_at(last, files, task)
            self.publish(
                files, replace(task, attempt=replace(task.attempt, prepared=self.prepared))
            )
        self.assertEqual(len(STEPS), len(self.published()))
        self.assertEqual([], [*(self.root / "outgoing").iterdir()])

    def test_killed_while_it_prepares(self) -> None:
        """What a killed try left in `outgoing` is not mixed into the next."""
        left = self.root / "outgoing" / "PACKAGEBUILD-1-1-0123abcd"
        left.mkdir()
        (left / "half.deb").write_bytes(b"half")
        self.publish(self.files)
        self.assertEqual(self.expected(), self.published())

    def test_not_published_before_it_is_committed(self) -> None:
        """Where the database cannot say "prepared", nothing appears."""
        self.patch(self, "commit_prepared", self.fail_to_commit)
        self.assertRaises(ZeroDivisionError, self.publish, self.files)
        self.assertEqual({}, self.published())

    @staticmethod
    def fail_to_commit() -> None:
        """What a broken database does."""
        raise ZeroDivisionError
