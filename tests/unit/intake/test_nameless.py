"""Files without names are found by what they hold."""

import hashlib
from io import BytesIO

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.intake.nameless import SentFile, with_names
from buildfarm.vocab.errors import Refused

CONTENTS = {"hello_1.0.orig.tar.gz": b"upstream", "hello_1.0.diff.gz": b"", "hello.asc": b""}


def dsc(version: str = "1:1.0-2") -> bytes:
    """A `.dsc` that names all of `CONTENTS`."""
    lines = "".join(
        f"\n {hashlib.sha256(content).hexdigest()} {len(content)} {name}"
        for name, content in CONTENTS.items()
    )
    fields = f"Source: hello\nVersion: {version}\nArchitecture: any\nBinary: hello\n"
    return f"{fields}Checksums-Sha256:{lines}\n".encode()


def sent(part: str, content: bytes, name: str | None = None) -> SentFile:
    """One file as it was sent."""
    return SentFile(part, name, BytesIO(content))


class NamelessTests(FarmTestCase):
    def contents(self, *files: SentFile) -> dict[str, bytes]:
        """What is behind each name; the first is the `.dsc`'s."""
        dsc_name, named = with_names(files)
        self.assertEqual(dsc_name, next(iter(named)))
        for stream in named.values():
            stream.seek(0)
        return {name: stream.read() for name, stream in named.items()}

    def refusal(self, *files: SentFile) -> str:
        """The sentence with which these are refused."""
        return str(self.assertRaises(Refused, with_names, files))

    def test_names_as_sent(self) -> None:
        """Files with names keep them, whatever the `.dsc` says of them: that is checked later."""
        found = self.contents(sent("file", b"x", "other"), sent("file", b"no dsc", "hello.dsc"))
        self.assertEqual({"hello.dsc": b"no dsc", "other": b"x"}, found)

    def test_names_by_digest(self) -> None:
        """Without names the digests tell, of equal files each once; the `.dsc` is as usual."""
        files = [sent(f"file{number}", content) for number, content in enumerate(CONTENTS.values())]
        found = self.contents(*files, sent("dsc", dsc()))
        self.assertEqual({"hello_1.0-2.dsc": dsc(), **CONTENTS}, found)

    def test_none_of_them(self) -> None:
        """A nameless file that the `.dsc` does not name is refused as what it was sent as."""
        refusal = self.refusal(sent("dsc", dsc()), sent("file1", b"changed"))
        self.assertEqual(
            "The file sent as file1 is none of those that hello_1.0-2.dsc names.", refusal
        )

    def test_one_dsc(self) -> None:
        """None, and more than one, are refused."""
        one = sent("dsc", dsc())
        self.assertIn("of 1 files that were sent, 0 are a .dsc", self.refusal(sent("file1", b"")))
        self.assertIn("of 2 files that were sent, 2 are a .dsc", self.refusal(one, one))

    def test_twice(self) -> None:
        """One name for two files is refused."""
        one = sent("file", b"", "hello.diff.gz")
        refusal = self.refusal(sent("dsc", dsc(), "hello.dsc"), one, one)
        self.assertEqual("hello.diff.gz was sent twice.", refusal)

    def test_a_dsc_that_cannot_be_read(self) -> None:
        """What is no `.dsc` names nothing."""
        self.assertIn("Source field", self.refusal(sent("dsc", b"nothing"), sent("file1", b"")))
