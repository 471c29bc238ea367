"""Forms with files, in whatever pieces they come."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.errors import Refused
from buildfarm.webservice.forms import MAX_FIELDS, MAX_PARTS, Form, FormWriter

TYPE = "multipart/form-data; boundary=b"


def field(name: str, content: bytes) -> bytes:
    """A field, as a part of a form."""
    return b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (
        name.encode(),
        content,
    )


def file(name: str, filename: str, content: bytes) -> bytes:
    """A file, as a part of a form."""
    names = f'name="{name}"; filename="{filename}"'.encode()
    return b"--b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (names, content)


END = b"--b--\r\n"


class FormTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = self.make_directory()

    def read(self, pieces: Sequence[bytes], content_type: str = TYPE) -> Form:
        """The form that comes in these pieces."""
        writer = FormWriter(content_type, self.directory)
        self.addCleanup(writer.form.close)
        for piece in pieces:
            writer.write(piece)
        return writer.finish()

    def refusal(self, *pieces: bytes, content_type: str = TYPE) -> str:
        """The sentence with which these pieces are refused."""
        return str(self.assertRaises(Refused, self.read, pieces, content_type))

    def contents(self, form: Form) -> list[tuple[str, str | None, bytes]]:
        """What each file is called, and what it holds."""
        for one in form.files:
            one.stream.seek(0)
        return [(one.part, one.name, one.stream.read()) for one in form.files]

    @given(st.lists(st.binary(max_size=200), max_size=4), st.integers(1, 50))
    def test_whatever_the_pieces(self, contents: list[bytes], size: int) -> None:
        """Fields are texts, files have what was sent, however the network has cut it."""
        contents = [content.replace(b"--b", b"") for content in contents]
        parts = [file(f"part{place}", "name", one) for place, one in enumerate(contents)]
        body = field("suite", b"bookworm") + b"".join(parts) + END
        form = self.read([body[start : start + size] for start in range(0, len(body), size)])
        expected = [(f"part{place}", "name", one) for place, one in enumerate(contents)]
        self.assertEqual(({"suite": "bookworm"}, expected), (form.fields, self.contents(form)))
        form.close()

    @given(st.binary(max_size=300))
    def test_whatever_is_sent(self, body: bytes) -> None:
        """What is no form is refused, and is no error of ours."""
        for sent in (body, field("a", b"b") + body, b"--b\r\n" + body):
            try:
                self.read([sent] if sent else []).close()
            except Refused:
                continue

    def test_nothing_on_the_disk(self) -> None:
        """The files have no names there."""
        form = self.read([file("dsc", "a.dsc", b"x" * 100_000) + END])
        self.assertEqual([], list(self.directory.iterdir()))
        self.assertEqual(100_000, len(self.contents(form)[0][2]))

    def test_name_of_the_parameter(self) -> None:
        """A file that is called after its part has no name of its own."""
        form = self.read([file("dsc", "dsc", b"") + END])
        self.assertEqual([("dsc", None, b"")], self.contents(form))

    def test_bounds(self) -> None:
        """Parts, fields and boundaries are bounded."""
        for sentence, *pieces in (
            ("The form has no end.", field("a", b"b")),
            ("The form has 'a' twice.", field("a", b"b") * 2 + END),
            ("'a' of the form is not UTF-8 text.", field("a", b"\xff") + END),
            (
                f"The fields of a form have at most {MAX_FIELDS} bytes together.",
                field("a", bytes(MAX_FIELDS + 1)) + END,
            ),
            (
                f"A form has at most {MAX_PARTS} parts, with short headers.",
                file("a", "b", b"") * (MAX_PARTS + 1) + END,
            ),
        ):
            with self.subTest(sentence=sentence):
                self.assertEqual(sentence, self.refusal(*pieces))
        for content_type in (
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=" + "b" * 71,
        ):
            with self.subTest(content_type=content_type):
                self.assertIn("boundary", self.refusal(END, content_type=content_type))
