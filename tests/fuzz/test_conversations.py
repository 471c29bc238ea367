"""What other processes say to us: frames, children's messages, the control socket's lines."""

import json
import pickle
import socket
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from buildfarm.admin.protocol import (
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
from buildfarm.flow.conversation import FROM_CHILD, Conversation, ManagerConversation
from buildfarm.flow.frames import Frames
from buildfarm.vocab.errors import ChildError, ConversationEnded, FarmError
from tests.fuzz.damage import damaged_or_any

REQUEST = encode_request(Request("build.show", {"build_id": 7, "who": ["x"]}, "operator", ("a",)))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)
_DEEP = b"[" * 3000


class FramesTests(FarmTestCase):
    """A peer that sends anything, and then is gone."""

    @given(damaged_or_any(b"\0\0\0\5hello\0\0\0\0"))
    def test_any_bytes(self, data: bytes) -> None:
        """Each frame is whole and within its bound, until there is none any more."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(data)
            theirs.shutdown(socket.SHUT_WR)
            frames = Frames(ours, 100, "the peer")
            try:
                while True:
                    self.assertLessEqual(len(frames.receive(20.0)), 100)
            except (ChildError, ConversationEnded):
                return

    @given(damaged_or_any(b'{"value": [1, "x"]}'))
    @example(_DEEP)
    @example(b'{"failed": "x\\u001b[2J", "details": "\\ud800"}')
    @example(b"9" * 5000)
    def test_child(self, payload: bytes) -> None:
        """What a child says is a value, or a ChildError whose words are safe to show."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            Frames(theirs, FROM_CHILD, "us").send(payload, 20.0)
            conversation = ManagerConversation(ours, "checking:run")
            try:
                conversation.receive(20.0)
            except ChildError as error:
                self.assertNotIn("\x1b", f"{error}{error.details}")
                f"{error}{error.details}".encode()

    @given(JSON)
    def test_there_and_back(self, value: Any) -> None:
        """Both directions bring what was sent."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            manager = ManagerConversation(ours, "checking:run")
            child = Conversation(theirs)
            child.send(value)
            self.assertEqual(value, manager.receive(20.0))
            manager.send(value, 20.0)
            self.assertEqual(value, child.receive(20.0))
            self.assertEqual(value, pickle.loads(pickle.dumps(value)))


class ControlTests(FarmTestCase):
    @given(damaged_or_any(REQUEST))
    @example(_DEEP)
    @example(b"9" * 5000)
    def test_requests(self, line: bytes) -> None:
        """A line is a request or it is refused."""
        try:
            request = decode_request(line)
        except RequestRefused:
            return
        self.assertIsInstance(request.params, dict)
        self.assertLessEqual(len(request.actor), 100)

    @given(
        st.text(max_size=20),
        st.dictionaries(st.text(max_size=5), JSON, max_size=3),
        st.lists(st.text(max_size=10), max_size=3),
    )
    def test_requests_there_and_back(
        self, verb: str, params: dict[str, Any], files: list[str]
    ) -> None:
        """A request reads as it was written."""
        request = Request(verb, params, "root", tuple(files))
        self.assertEqual(request, decode_request(encode_request(request)))

    @given(damaged_or_any(encode_answer(Done({"id": 1}))))
    @example(_DEEP)
    @example(b'{"done": 1, "part": 2}')
    @example(b"[[1, 2]]")
    @example(b'{"x": ' + b"9" * 5000 + b"}")
    def test_answers(self, line: bytes) -> None:
        """A line is an answer, a sign of life, or an error in words."""
        try:
            decode_answer(line)
        except FarmError as error:
            self.assertIn("not of this version's form", str(error))

    @given(
        st.builds(Part, JSON)
        | st.builds(Rows, st.lists(JSON, max_size=3))
        | st.builds(Done, JSON)
        | st.builds(Problem, st.text())
    )
    def test_answers_there_and_back(self, answer: Answer) -> None:
        """An answer reads as it was written, on one line."""
        line = encode_answer(answer)
        self.assertEqual(1, line.count(b"\n"))
        self.assertEqual(answer, decode_answer(line))
        json.loads(line)
