"""Forms with files, as they go to the farm."""

from pathlib import Path

from multipart import MultipartSegment, PushMultipartParser

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scripts.forms import FileForm, total_size
from buildfarm.scripts.streams import PIECE
from buildfarm.vocab.errors import Refused


class FormTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = self.make_directory()

    def file(self, name: str, content: bytes) -> Path:
        """A file to send."""
        path = self.directory / name
        path.write_bytes(content)
        return path

    def read(self, form: FileForm, content: bytes) -> dict[str, tuple[str | None, bytes]]:
        """The parts of a form by name, as another program takes it apart."""
        parts: dict[str, tuple[str | None, bytes]] = {}
        name = ""
        with PushMultipartParser(form.boundary) as parser:
            for event in parser.parse(content):
                if isinstance(event, MultipartSegment):
                    name = event.name
                    parts[name] = (event.filename, b"")
                elif event:
                    filename, before = parts[name]
                    parts[name] = (filename, before + bytes(event))
        return parts

    def test_form(self) -> None:
        """Fields and files arrive as they are, and are as long as was announced."""
        large = b"\r\n--" * PIECE
        files = {"dsc": self.file("a.dsc", b"dsc"), "file1": self.file("a.tar", large)}
        form = FileForm({"suite": "bookworm"}, files)
        sent: list[int] = []
        pieces = list(form.pieces(sent.append))
        content = b"".join(pieces)
        self.assertEqual(str(len(content)), form.headers["Content-Length"])
        self.assertEqual(
            {"suite": (None, b"bookworm"), "dsc": ("a.dsc", b"dsc"), "file1": ("a.tar", large)},
            self.read(form, content),
        )
        self.assertEqual(total_size(list(files.values())), sum(sent))
        self.assertTrue(max(map(len, pieces)) <= PIECE)

    def test_file_that_shrinks(self) -> None:
        """A file that became shorter ends the request, with a sentence."""
        path = self.file("log", b"12345")
        form = FileForm({}, {"dsc": path})
        self.patch(Path, "stat", lambda _path: type("Stat", (), {"st_size": 9}))
        self.assertRaises(Refused, list, form.pieces(lambda count: None))

    def test_file_that_is_gone(self) -> None:
        """So does one that cannot be read."""
        form = FileForm({}, {"dsc": self.directory / "missing"})
        self.assertRaises(Refused, lambda: form.headers)
