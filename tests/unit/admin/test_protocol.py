"""What goes over the control socket, as bytes."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.admin.protocol import (
    MAX_FILES,
    MAX_REQUEST,
    Answer,
    Done,
    Part,
    Problem,
    Request,
    RequestRefused,
    Rows,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.errors import FarmError


class TestRequests(FarmTestCase):
    def test_there_and_back(self) -> None:
        """A request arrives as it was sent, on one line."""
        request = Request("builder.show", {"name": "bob\n"}, "alice", ("a.dsc",))
        line = encode_request(request)
        self.assertEqual([len(line) - 1], [i for i, byte in enumerate(line) if byte == 10])
        self.assertEqual(request, decode_request(line))

    def test_too_long(self) -> None:
        """A request that no server would take is refused before it is sent."""
        request = Request("archive.add", {"keys": "x" * MAX_REQUEST})
        error = self.assertRaises(RequestRefused, encode_request, request)
        self.assertEqual(f"The request is longer than {MAX_REQUEST} bytes.", str(error))

    def test_too_many_files(self) -> None:
        """So is one with more files than may come along."""
        request = Request("submit", files=("x",) * (MAX_FILES + 1))
        self.assertRaises(RequestRefused, encode_request, request)

    def test_not_json(self) -> None:
        """What is no JSON is refused, however deep it goes."""
        for line in (b"", b"\xff", b"{", b"[" * 100_000):
            error = self.assertRaises(RequestRefused, decode_request, line)
            self.assertEqual("The request is not a line of JSON.", str(error))

    def test_other_form(self) -> None:
        """JSON of another form is refused."""
        good = {"verb": "x", "params": {}, "actor": "a", "files": []}
        for bad in (
            1,
            [],
            {},
            good | {"verb": 1},
            good | {"params": []},
            good | {"actor": None},
            good | {"files": [1]},
            good | {"files": "x"},
        ):
            line = json.dumps(bad).encode()
            error = self.assertRaises(RequestRefused, decode_request, line)
            self.assertIn("not an object of verb, params, actor and files.", str(error))

    def test_long_actor(self) -> None:
        """A name that would fill the event table is cut."""
        line = encode_request(Request("x", actor="a" * 1000))
        self.assertEqual(100, len(decode_request(line).actor))

    def test_odd_actor(self) -> None:
        """A name that is no text becomes one that the event table can hold."""
        line = encode_request(Request("x", actor="a\udcff\x1b"))
        self.assertEqual("a\\udcff\\x1b", decode_request(line).actor)

    @given(st.binary(max_size=200))
    def test_anything(self, line: bytes) -> None:
        """Whatever comes is a request or refused."""
        with contextlib.suppress(RequestRefused):
            decode_request(line)


class TestAnswers(FarmTestCase):
    def test_there_and_back(self) -> None:
        """Each kind of answer arrives as it was sent, on one line."""
        answers: list[Answer] = [
            Part("a\nb"),
            Rows([1]),
            Done({"id": 1}),
            Done(None),
            Problem("No."),
        ]
        for answer in answers:
            line = encode_answer(answer)
            self.assertEqual(1, line.count(b"\n"))
            self.assertEqual(answer, decode_answer(line))

    def test_sign_of_life(self) -> None:
        """An empty line is no answer."""
        self.assertIsNone(decode_answer(b"\n"))

    def test_anything_else(self) -> None:
        """A daemon of another version is understood or refused."""
        for line in (b"x", b"1", b"[]", b"{}", b'{"a": 1, "b": 2}', b'{"later": 1}'):
            self.assertRaises(FarmError, decode_answer, line)
