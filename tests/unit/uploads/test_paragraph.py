"""Control data is read only where every reader reads it alike."""

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.uploads.paragraph import read_paragraph, required
from buildfarm.vocab.errors import UploadRefused


class ReadParagraphTest(FarmTestCase):
    """One paragraph of fields."""

    def test_fields(self) -> None:
        """Names do not care for case; a value may go on in further lines."""
        content = (
            b"Package: hello\nX-Empty:\nDescription:  short\n long\n .\n\tmore \nAuthor: \xc3\xa9\n"
        )
        expected = {
            "package": "hello",
            "x-empty": "",
            "description": "short\nlong\n.\nmore",
            "author": "é",
        }
        self.assertEqual(expected, read_paragraph(content, "control"))

    def test_ambiguous_data_is_refused(self) -> None:
        """Whatever two readers could take for two things is no control data."""
        for content, reason in (
            (b"Package: a\npackage: b\n", "control gives the field package twice"),
            (b"Package: a\n\nPackage: b\n", "no control data: ''"),
            (b"Package: a\n \nVersion: 1\n", "no control data"),
            (b" Package: a\n", "no control data"),
            (b"# comment\nPackage: a\n", "no control data: '# comment'"),
            (b"-----BEGIN PGP SIGNED MESSAGE-----\nPackage: a\n", "no control data"),
            (b"Package: a\rPackage: b\n", "no control data"),
            (b"Package: a\x00b\n", "no control data"),
            (b"Package: a\n\x0b b\n", "no control data"),
            (b"Package a\n", "no control data"),
            (b"Package : a\n", "no control data"),
            (b"\n", "no control data"),
            (b"", "no control data"),
            (b"Package: \xff\n", "control is not in UTF-8"),
        ):
            with self.assertRaisesRegex(UploadRefused, reason):
                read_paragraph(content, "control")

    def test_required(self) -> None:
        """A field that is needed is there, with something on one line."""
        fields = {"source": "hello", "empty": "", "long": "a\nb"}
        self.assertEqual("hello", required(fields, "Source", "control"))
        for name in ("Empty", "Long", "Absent"):
            with self.assertRaisesRegex(UploadRefused, f"control has no proper {name} field"):
                required(fields, name, "control")

    @given(st.binary(max_size=200))
    def test_any_bytes(self, content: bytes) -> None:
        """Whatever is read is understood or refused."""
        try:
            fields = read_paragraph(content, "control")
        except UploadRefused:
            return
        self.assertTrue(all(name == name.lower() for name in fields))
