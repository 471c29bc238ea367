"""Secrets in text: wherever they stand and however the text is cut, they never come out."""

from hypothesis import given, settings
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.secrets import (
    MAX_HELD,
    SecretFilter,
    tail_without_secrets,
    without_secrets,
)

TOKEN = "bdt-4-17-a-" + "0123456789abcdef" * 4
KEY = (
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBGc5SECRETline1\nSECRETline2\n=SECR\n"
    "-----END PGP PRIVATE KEY BLOCK-----\n"
)
SSH_KEY = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaSECRET\n-----END OPENSSH PRIVATE KEY-----\n"
)

#: (how it stands in a text, what must not come out); `%s` is the secret.
FORMS = (
    "http://buildd:%s@archive.example/ bookworm main",
    "deb [trusted=yes] https://%s@archive.example/x",
    "://u:p/%s@host",
    "x=http://a.example/,ftp://u:%s@b.example/",
    "Authorization: Basic %s",
    '"proxy-AUTHORIZATION" : "Bearer a %s b"',
    "host=db password=%s dbname=farm",
    "host=db password='a %s' dbname=farm",
    "-----BEGIN RSA PRIVATE KEY-----\n%s\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nabc\n%s\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----",
)

SECRET = "s3CrEt-Zq9xW7"

surroundings = st.one_of(
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")),
    st.binary(max_size=40),
    st.sampled_from([b"://", b"@", b"\n", b"://a:", b"-----", b"authorization", b"'", b"\r\n"]),
    st.integers(1, 3).map(lambda times: b"x" * (MAX_HELD * times)),
    st.integers(1, 3).map(lambda times: b"x " * (MAX_HELD * times // 2)),
)


def filtered(data: bytes, sizes: list[int]) -> bytes:
    """`data` through a filter, in pieces of these sizes, again and again."""
    stream, shown, position, number = SecretFilter(), [], 0, 0
    while position < len(data):
        size = sizes[number % len(sizes)]
        shown.append(stream.feed(data[position : position + size]))
        position, number = position + size, number + 1
    return b"".join([*shown, stream.finish()])


class TestStream(FarmTestCase):
    @settings(max_examples=300, deadline=None)
    @given(
        st.sampled_from(FORMS),
        st.lists(surroundings, max_size=3).map(b"".join),
        st.lists(surroundings, max_size=3).map(b"".join),
        st.lists(st.integers(1, 70_000), min_size=1, max_size=4),
    )
    def test_no_secret_comes_out(
        self, form: str, before: bytes, after: bytes, sizes: list[int]
    ) -> None:
        """Planted anywhere, in any surroundings, cut anywhere: it does not come out."""
        planted = (form % SECRET).encode()
        data = before + b" " + planted + b" " + after
        pieces = [max(size, 1 + len(data) // 2000) for size in sizes]
        shown = filtered(data, pieces)
        self.assertEqual(len(data), len(shown))
        self.assertNotIn(SECRET.encode(), shown)

    @settings(max_examples=50, deadline=None)
    @given(st.integers(0, 200), st.integers(0, 200))
    def test_tokens_cut_anywhere(self, filling: int, size: int) -> None:
        """A token does not come out, whatever stands right before it."""
        data = b"y" * filling + TOKEN.encode() + b"\n"
        self.assertNotIn(TOKEN[-20:].encode(), filtered(data, [size + 1]))

    def test_tokens_side_by_side(self) -> None:
        """The end of a token is not taken for more of it, by which the next would come out."""
        data = 2 * TOKEN.encode() + b"\n"
        self.assertNotIn(TOKEN[-20:].encode(), filtered(data, [len(data)]))

    @given(st.text(alphabet="abcXYZ 0123456789\n\t.,;()+", max_size=300))
    def test_other_text_is_left_as_it_is(self, text: str) -> None:
        """What holds no secret comes out as it went in."""
        self.assertEqual(text.encode(), filtered(text.encode(), [7]))

    def test_what_it_looks_like(self) -> None:
        """The rest of the line stays readable, and in its place."""
        line = b"Get:1 http://buildd:secret@archive.example:8086/archive/main bookworm\n"
        expected = b"Get:1 http://*************@archive.example:8086/archive/main bookworm\n"
        self.assertEqual(expected, filtered(line, [5]))

    def test_harmless_addresses(self) -> None:
        """Ports, paths with an @ and mail addresses are no credentials."""
        for text in (
            "http://localhost:8080/web/@scope/package",
            "see http://a.example/~b@c and <a@b.example>",
            "deb http://mirror.example/debian bookworm main",
            "http://[::1]:8085/",
        ):
            self.assertEqual(text, without_secrets(text))

    def test_memory_is_bounded(self) -> None:
        """A line without end is held back up to the bound only, with or without spaces."""
        for piece in (b"x" * 1000, b"x " * 500, b"://u:p" * 200, b"-----BEGIN " * 100):
            stream = SecretFilter()
            for _ in range(200):
                stream.feed(piece)
                self.assertLessEqual(len(stream._held), MAX_HELD + 1000)

    def test_hostile_text_takes_linear_time(self) -> None:
        """A megabyte of beginnings is read in the time that it takes to read a megabyte."""
        for piece in (b"://a:b", b"authorization", b"-----BEGIN ", b"password='", b"bdt-1-", b"@"):
            filtered(piece * (1024 * 1024 // len(piece)), [65536])

    def test_a_key_without_end(self) -> None:
        """What follows a beginning without an end is text again at some time."""
        data = b"-----BEGIN PRIVATE KEY-----\n" + b"line\n" * 100_000
        self.assertTrue(filtered(data, [4096]).endswith(b"line\n"))

    def test_keys(self) -> None:
        """Of a private key its two marks are left."""
        for key in (KEY, SSH_KEY):
            shown = filtered(key.encode(), [3])
            self.assertNotIn(b"SECR", shown)
            self.assertIn(b"PRIVATE KEY", shown)


class TestText(FarmTestCase):
    def test_no_secret(self) -> None:
        """Sentences and error texts, which are whole."""
        for form in FORMS:
            self.assertNotIn(SECRET, without_secrets(form % SECRET), form)
        self.assertNotIn(TOKEN[-8:], without_secrets(f"token={TOKEN}"))
        self.assertEqual("plain \ud800 text", without_secrets("plain \ud800 text"))


class TestTail(FarmTestCase):
    @settings(deadline=None)
    @given(st.sampled_from(FORMS), st.integers(0, 2048), st.integers(0, 3000))
    def test_cut_anywhere(self, form: str, start: int, length: int) -> None:
        """The end of a log that begins or ends in the middle of a secret shows no part of it."""
        data = b"x\n" * 1024 + (form % (SECRET * 3)).encode() + b"\n" + b"y\n" * 1100
        tail = data[start : start + length][-2048:]
        shown = tail_without_secrets(tail, 2048 if start else 4096)
        if len(tail) >= 2048 or not start:
            self.assertNotIn(SECRET[3:].encode(), shown)

    def test_inside_a_key(self) -> None:
        """Lines of a key are not shown where neither beginning nor end is in sight."""
        tail = (b"QUJD" * 16 + b"\n") * 40
        self.assertNotIn(b"QUJD", tail_without_secrets(tail[:2048], 2048))
