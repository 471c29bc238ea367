"""The check's child: every form of package passes it confined; what it answers is not believed."""

import gzip
import lzma
from collections.abc import Callable, Mapping
from typing import Any

import zstandard

from buildfarm.farmtesting.packages import Results, deb, deb_of, tar
from buildfarm.flow.limits import ResourceLimits
from buildfarm.uploads.check import BinaryPackage
from buildfarm.uploads.checking import CheckJob, check_in_child, read_answer
from buildfarm.vocab.errors import UploadPostponed, UploadRefused
from buildfarm.vocab.upload import ResultFile
from tests.functional.uploads.publishing import PublishingTestCase, hello

CONTROL = tar({"./control": b"Package: hello\nVersion: 1.0\nArchitecture: amd64\n"})
PACKED: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


class CheckingTestCase(PublishingTestCase):
    """Checks in real children."""

    def check(self, results: tuple[ResultFile, ...]) -> tuple[BinaryPackage, ...]:
        """What passes."""
        limits = ResourceLimits(memory=512 << 20, cpu=20)
        return check_in_child(CheckJob(self.task(), results, limits), self.checks, 60.0)


class TestInChild(CheckingTestCase):
    def test_every_packing(self) -> None:
        """All that dpkg packs with can be read without opening, importing or starting anything."""
        for number, (suffix, pack) in enumerate(PACKED.items()):
            content = deb_of(CONTROL, pack=pack, suffix=suffix)
            files = self.spool(Results(files={"hello_1.0_amd64.deb": content}), number)
            self.assertEqual(["hello"], [package.name for package in self.check(files)], suffix)

    def test_as_without_a_child(self) -> None:
        """The answer of the child is that of the check, with the files that it is about."""
        files = self.spool(hello())
        found = {(package.name, package.file) for package in self.check(files)}
        by_name = {file.name: file for file in files}
        expected = {
            ("hello", by_name["hello_1.0_amd64.deb"]),
            ("hello-data", by_name["hello-data_1.0_all.deb"]),
        }
        self.assertEqual(expected, found)

    def test_hundreds_of_files(self) -> None:
        """As many results as `[gather] max_files` allows are open at once."""
        names = tuple(f"hello-{number}" for number in range(499))
        files = {f"{name}_1.0_amd64.deb": deb(name, source="hello") for name in names}
        results = self.spool(Results(files=files))
        job = CheckJob(self.task(binaries=names), results, ResourceLimits(memory=512 << 20))
        self.assertEqual(499, len(check_in_child(job, self.checks, 60.0)))

    def test_refusal_in_one_line(self) -> None:
        """A reason that a package had a part in moves no cursor and fills no page."""
        results = self.spool(Results(changes_fields={"Source": "evil\x1b[2J" + "x" * 5000}))
        with self.assertRaises(UploadRefused) as caught:
            self.check(results)
        self.assertLess(len(str(caught.exception)), 1100)
        self.assertNotIn("\x1b", str(caught.exception))

    def test_our_own_trouble(self) -> None:
        """A result that cannot be opened is no fault of the package."""
        results = self.spool(hello())
        results[0].path.unlink()
        self.assertRaises(UploadPostponed, self.check, results)


class TestAnswers(CheckingTestCase):
    """What a child may say that was taken over by what it read."""

    def refused(self, answer: Any) -> None:
        """Such an answer lets nothing pass."""
        self.assertRaises(UploadRefused, read_answer, answer, self.task(), self.files)

    def test_not_believed(self) -> None:
        """Nonsense, nothing, other files, other packages and too many of them pass nothing."""
        self.files = self.spool(Results())
        number = next(i for i, file in enumerate(self.files) if file.name.endswith(".deb"))
        good = [number, "hello", "1.0", "amd64", True]
        self.assertEqual(1, len(read_answer({"packages": [good]}, self.task(), self.files)))
        for answer in (
            *(None, [], {}, "published", {"published": True}, {"packages": []}, {"packages": 1}),
            *({"packages": [good] * 9}, {"packages": [good, good]}, {"packages": [good[:4]]}),
            {"packages": [[number, "bash", "1.0", "amd64", True]]},
            {"packages": [[number, "hello", "1.0", "amd64", 1]]},
            {"packages": [[-1, *good[1:]]]},
            {"packages": [[99, *good[1:]]]},
            {"packages": [[1 - number, *good[1:]]]},
            {"packages": [[True, *good[1:]]]},
            {"packages": [good], "more": 1},
            {"refused": "x", "packages": [good]},
        ):
            self.refused(answer)
