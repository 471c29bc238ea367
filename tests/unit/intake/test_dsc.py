"""What is read from a `.dsc`, and every way of refusing one."""

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.intake.dsc import MAX_DSC, DscContents, NamedFile, read_dsc
from buildfarm.vocab.errors import Refused

DIGEST = "a" * 64

FIELDS = {
    "Format": "3.0 (quilt)",
    "Source": "hello",
    "Binary": "hello, hello-doc,\n hello-data",
    "Architecture": "any all",
    "Version": "1:2.10-3~deb12+1",
    "Checksums-Sha1": f"\n {'c' * 40} 7 hello_2.10.orig.tar.gz",
    "Checksums-Sha256": f"\n {DIGEST} 7 hello_2.10.orig.tar.gz\n {DIGEST} 0 hello_2.10-3.diff.gz",
}


def dsc(**changed: str | None) -> bytes:
    """A `.dsc` with some fields changed, or left out where None; `_` stands for a dash."""
    fields = FIELDS | {name.replace("_", "-"): value for name, value in changed.items()}
    return "".join(
        f"{name}: {value}\n" for name, value in fields.items() if value is not None
    ).encode()


def signed(content: bytes) -> bytes:
    """`content` clear-signed, by nobody in particular."""
    return (
        b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
        + content
        + b"\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"
    )


class TestRead(FarmTestCase):
    expected = DscContents(
        "hello",
        "1:2.10-3~deb12+1",
        ("any", "all"),
        ("hello", "hello-doc", "hello-data"),
        (
            NamedFile("hello_2.10.orig.tar.gz", 7, DIGEST),
            NamedFile("hello_2.10-3.diff.gz", 0, DIGEST),
        ),
    )

    def test_unsigned(self) -> None:
        """The fields that the farm uses are read."""
        self.assertEqual(self.expected, read_dsc("hello.dsc", dsc()))

    def test_signed(self) -> None:
        """A clear signature around them changes nothing; it is not verified."""
        self.assertEqual(self.expected, read_dsc("hello.dsc", signed(dsc())))

    def test_digest_in_capitals(self) -> None:
        """Digests are spelt in lower case from here on."""
        contents = read_dsc("a.dsc", dsc(Checksums_Sha256=f"\n {'A' * 64} 7 a.tar"))
        self.assertEqual("a" * 64, contents.files[0].sha256)


class TestRefused(FarmTestCase):
    def refusal(self, content: bytes, name: str = "hello.dsc") -> str:
        """The sentence with which this content is refused."""
        return str(self.assertRaises(Refused, read_dsc, name, content))

    def test_name(self) -> None:
        """The file's own name is plain and ends in .dsc."""
        for name in ("hello", "a/b.dsc", ".dsc", "../x.dsc", "x\n.dsc", "x" * 250 + ".dsc"):
            self.assertIn("is not the name of a .dsc file.", self.refusal(dsc(), name))

    def test_missing_fields(self) -> None:
        """Each needed field is missed by name."""
        for field in ("Source", "Version", "Architecture", "Binary"):
            self.assertEqual(
                f"hello.dsc has no {field} field; is it the .dsc of a source package?",
                self.refusal(dsc(**{field: None})),
            )
        self.assertEqual(
            "hello.dsc names no files in Checksums-Sha256.",
            self.refusal(dsc(Checksums_Sha256=None)),
        )

    def test_names_that_are_none(self) -> None:
        """A name that could do harm in a path, a URL or an argument is refused with its field."""
        for field, value in (
            ("Source", "../hello"),
            ("Source", "Hello"),
            ("Source", "-hello"),
            ("Version", "2.10/3"),
            ("Version", "-1"),
            ("Version", "1:2:3"),
            ("Version", "1 2"),
            ("Architecture", "amd64 ../all"),
            ("Binary", "hello, he/llo"),
            ("Binary", "hello, \x1b[31m"),
        ):
            self.assertIn(
                f"cannot stand in the field {field}.", self.refusal(dsc(**{field: value}))
            )

    def test_control_characters_are_shown_escaped(self) -> None:
        """What a stranger wrote does not reach a terminal as it is."""
        self.assertIn("\\x1b[31m", self.refusal(dsc(Source="\x1b[31mred")))

    def test_files_outside(self) -> None:
        """A named file is a plain name: nothing of a path."""
        for name in ("../x", "/etc/passwd", "a/b", ".hidden", "-x", "x\x00y"):
            self.assertIn(
                "not a plain file name.",
                self.refusal(dsc(Checksums_Sha256=f"\n {DIGEST} 1 {name}")),
            )

    def test_file_named_twice(self) -> None:
        """No file is named twice, nor is the .dsc itself."""
        twice = f"\n {DIGEST} 1 a.tar\n {DIGEST} 1 a.tar"
        self.assertEqual("hello.dsc names a.tar twice.", self.refusal(dsc(Checksums_Sha256=twice)))
        self.assertEqual(
            "hello.dsc names hello.dsc twice.",
            self.refusal(dsc(Checksums_Sha256=f"\n {DIGEST} 1 hello.dsc")),
        )

    def test_bad_lines(self) -> None:
        """A line without digest, size and name is refused."""
        for line in (DIGEST, f"{DIGEST} x a.tar", f"{DIGEST} -1 a.tar", "abc 1 a.tar"):
            for layout in (f"\n {line}", line):
                self.assertIn(
                    "not a digest, a size and a name.",
                    self.refusal(dsc(Checksums_Sha256=layout)),
                )

    def test_too_large(self) -> None:
        """The sizes that a .dsc promises are bounded, one by one and together."""
        for sizes in ([4 * 1024**3 + 1], [4 * 1024**3, 4 * 1024**3, 1]):
            lines = "".join(f"\n {DIGEST} {size} {n}.tar" for n, size in enumerate(sizes))
            self.assertIn("larger than a package may be", self.refusal(dsc(Checksums_Sha256=lines)))

    def test_too_many(self) -> None:
        """So is the number of files."""
        lines = "".join(f"\n {DIGEST} 1 {n}.tar" for n in range(151))
        self.assertEqual(
            "hello.dsc names more than 150 files.", self.refusal(dsc(Checksums_Sha256=lines))
        )

    def test_huge(self) -> None:
        """And the size of the .dsc itself."""
        self.assertIn("larger than the", self.refusal(b"x" * (MAX_DSC + 1)))

    def test_not_text(self) -> None:
        """A tarball that is called .dsc is refused."""
        self.assertEqual("hello.dsc is not UTF-8 text.", self.refusal(b"\x1f\x8b\xff"))

    @given(
        st.one_of(
            st.binary(max_size=500),
            st.text(max_size=500).map(lambda text: text.encode("utf-8", "replace")),
            st.dictionaries(
                st.sampled_from([name.replace("-", "_") for name in FIELDS]),
                st.text(max_size=80),
                min_size=1,
            ).map(
                lambda changed: dsc(
                    **{k: v.encode(errors="replace").decode() for k, v in changed.items()}
                )
            ),
        )
    )
    def test_anything(self, content: bytes) -> None:
        """Whatever the content, it is read or refused; nothing else is raised."""
        for form in (content, signed(content)):
            try:
                contents = read_dsc("hello.dsc", form)
            except Refused as refusal:
                self.assertNotIn("\x1b", str(refusal))
            else:
                self.assertTrue(contents.binaries)
                self.assertTrue(contents.architecture)
                self.assertTrue(contents.files)
