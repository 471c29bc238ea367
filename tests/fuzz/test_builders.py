"""Whatever a builder sends: what the client makes of it is an answer or a BuilderError."""

from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from buildfarm.builders.client import BuilderClient
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.hostile.behaviour import Answer
from buildfarm.farmtesting.hostile.wrongtypes import FIELDS, TYPES
from buildfarm.farmtesting.memory import MemoryEndpoint, inline_workers
from buildfarm.vocab.cookie import Cookie
from buildfarm.vocab.errors import BuilderError
from buildfarm.vocab.observation import Observation
from buildfarm.vocab.settings import ScanningSettings
from buildfarm.vocab.states import DaemonStatus
from buildfarm.wire import builderrpc
from buildfarm.wire.builderrpc import MalformedMessage
from tests.fuzz.damage import damaged, damaged_or_any, pieces_of

COOKIE = "PACKAGEBUILD-7-1-0123abcd"

#: A status with everything in it.
STATUS = builderrpc.encode_reply(
    {
        "builder_status": "BuilderStatus.WAITING",
        "builder_version": "254",
        "build_id": COOKIE,
        "build_status": "BuildStatus.OK",
        "logtail": b"\xff tail",
        "filemap": {"a_1.0_amd64.deb": "0" * 40, "a_1.0_amd64.changes": "1" * 40},
        "dependencies": "libfoo (>= 1)",
    }
)

DECODERS = (
    builderrpc.decode_status,
    builderrpc.decode_info,
    builderrpc.decode_presence,
    builderrpc.decode_build,
    builderrpc.decode_word,
)

_TEXTS = st.text(max_size=20)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["builder_status", "build_id", "filemap", "logtail"]) | _TEXTS,
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


class Says(Protocol):
    """A builder that answers the first request with these pieces, and then says nothing."""

    transport: Any

    def __init__(self, pieces: Sequence[bytes], ends: bool) -> None:
        self._pieces = pieces
        self._ends = ends

    def dataReceived(self, data: bytes) -> None:
        for piece in self._pieces:
            self.transport.write(piece)
        self._pieces = ()
        if self._ends:
            self.transport.loseConnection()


class ConnectionTests(FarmTestCase):
    """Status line, headers, framing, body, and what comes behind them."""

    def outcome(
        self,
        pieces: Sequence[bytes],
        ends: bool,
        ask: "Any",
    ) -> Any:
        """What a call amounts to; it has come to an end once its deadline is over."""
        endpoint = MemoryEndpoint(lambda: Says(pieces, ends))
        workers = inline_workers()
        client = BuilderClient(self.clock, "http://bob:1", ScanningSettings(), workers, endpoint)
        work: Coroutine[Any, Any, Any] = ask(client)
        results: list[Any] = []
        Deferred.fromCoroutine(work).addBoth(results.append)
        for _ in range(100):
            if results:
                break
            self.clock.advance(30)
        client.close()
        self.assertEqual([], self.clock.getDelayedCalls())
        (result,) = results
        if isinstance(result, Failure):
            self.assertIsInstance(result.value, BuilderError)
            self.assertIn("http://bob:1", str(result.value))
            return None
        return result

    @given(st.data(), st.booleans())
    def test_calls(self, data: st.DataObject, ends: bool) -> None:
        """A status that was damaged anywhere, in whatever pieces it comes."""
        answer = data.draw(damaged_or_any(Answer(200, STATUS, "text/xml").whole()))
        pieces = data.draw(pieces_of(answer))
        said = self.outcome(pieces, ends, lambda client: client.fetch_status())
        self.assertIsInstance(said, Observation | None)

    @given(st.data(), st.booleans())
    def test_chunks(self, data: st.DataObject, ends: bool) -> None:
        """The same in chunks, with extensions and trailers."""
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks = b"%x;a=b\r\n%b\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(STATUS), STATUS)
        pieces = data.draw(pieces_of(data.draw(damaged(head + chunks))))
        said = self.outcome(pieces, ends, lambda client: client.fetch_status())
        self.assertIsInstance(said, Observation | None)

    @given(st.data(), st.integers(0, 10**6), st.integers(1, 10**6))
    def test_parts_of_logs(self, data: st.DataObject, start: int, limit: int) -> None:
        """With a Content-Range that may say anything."""
        extra = "Content-Range: bytes 0-11/12\r\n"
        answer = Answer(206, b"a part of it", extra=extra).whole()
        pieces = [data.draw(damaged(answer))]
        part = self.outcome(pieces, False, lambda client: client.fetch_log(start, limit))
        self.assertLessEqual(len(part or b""), limit)

    @given(st.data())
    def test_files(self, data: st.DataObject) -> None:
        """What is kept is what was announced, within the limit; otherwise nothing is."""
        place = Path(self.directory) / "file"
        answer = data.draw(damaged(Answer(200, b"x" * 100).whole()))
        fetched = self.outcome(
            [answer], True, lambda client: client.download("a" * 40, place, 150, 1000)
        )
        self.assertEqual(fetched is not None, place.exists())
        if fetched is not None:
            self.assertLessEqual(place.stat().st_size, 150)
            self.assertEqual(fetched.size, place.stat().st_size)
            place.unlink()

    def setUp(self) -> None:
        super().setUp()
        self.directory = self.make_directory()

    def test_cut_at_every_byte(self) -> None:
        """An answer that ends early, wherever it does, is no answer."""
        whole = Answer(200, STATUS, "text/xml").whole()
        for length in range(len(whole)):
            said = self.outcome([whole[:length]], True, lambda client: client.fetch_status())
            self.assertIsNone(said, length)

    def test_every_byte_alone(self) -> None:
        """An answer in pieces of one byte is one."""
        whole = Answer(200, STATUS, "text/xml").whole()
        pieces = [whole[place : place + 1] for place in range(len(whole))]
        said = self.outcome(pieces, False, lambda client: client.fetch_status())
        self.assertEqual(COOKIE, said.build_id)


class MessageTests(FarmTestCase):
    """XML-RPC, read and decoded."""

    @given(damaged_or_any(STATUS))
    @example(STATUS)
    def test_damaged(self, body: bytes) -> None:
        """A damaged message is a value or MalformedMessage, and so it is for each call."""
        try:
            value = builderrpc.decode_reply(body)
        except MalformedMessage:
            return
        if not isinstance(value, builderrpc.Fault):
            self.decode_all(value)

    @given(_VALUES)
    def test_values(self, value: Any) -> None:
        """What can be written reads as it was; no decoder is surprised by any value."""
        try:
            body = builderrpc.encode_reply(value)
        except MalformedMessage:
            return
        self.assertEqual(value, builderrpc.decode_reply(body))
        self.decode_all(value)

    def decode_all(self, value: Any) -> None:
        for decode in DECODERS:
            try:
                decode(value)
            except MalformedMessage as error:
                self.assertLess(len(str(error)), 500)

    def test_every_field_with_every_type(self) -> None:
        """Each is refused, or is one of the types that the field may have."""
        sound = {
            "IDLE": {"builder_status": "BuilderStatus.IDLE", "builder_version": "1"},
            "BUILDING": {
                "builder_status": "BuilderStatus.BUILDING",
                "build_id": COOKIE,
                "logtail": b"",
            },
            "WAITING": builderrpc.decode_reply(STATUS),
        }
        for field in FIELDS:
            if field.method != "status":
                continue
            for kind, fragment in TYPES.items():
                for value in sound.values():
                    marked = builderrpc.encode_reply(field.mark(value))
                    mark = b"<string>a-value-of-another-type</string>"
                    body = marked.replace(mark, fragment.encode())
                    if body != marked and kind not in field.takes:
                        with self.assertRaises(MalformedMessage, msg=f"{field.name} {kind}"):
                            builderrpc.decode_status(builderrpc.decode_reply(body))

    @given(
        st.sampled_from([one for one in DaemonStatus if one.name in {"IDLE", "BUILDING"}]),
        st.text(min_size=1, max_size=30),
        st.binary(max_size=100),
        st.none() | st.text(max_size=20),
    )
    def test_status_there_and_back(
        self, status: DaemonStatus, build_id: str, tail: bytes, version: str | None
    ) -> None:
        """What a daemon says is what is understood."""
        idle = status is DaemonStatus.IDLE
        said = Observation(
            status, None if idle else build_id, logtail=b"" if idle else tail, version=version
        )
        try:
            body = builderrpc.encode_reply(builderrpc.status_value(said))
        except MalformedMessage:
            return
        self.assertEqual(said, builderrpc.decode_status(builderrpc.decode_reply(body)))


class CookieTests(FarmTestCase):
    @given(damaged_or_any(COOKIE.encode()).map(lambda data: data.decode("utf-8", "replace")))
    def test_any_text(self, text: str) -> None:
        """Text that is read as a cookie is that cookie's only spelling."""
        cookie = Cookie.parse(text)
        if cookie is not None:
            self.assertEqual(text, str(cookie))

    @given(
        st.integers(1, 10**18 - 1),
        st.integers(1, 10**9 - 1),
        st.text(alphabet="0123456789abcdef", min_size=8, max_size=8),
    )
    def test_there_and_back(self, build: int, attempt: int, database: str) -> None:
        """Each cookie reads as it was written."""
        cookie = Cookie(build, attempt, database)
        self.assertEqual(cookie, Cookie.parse(str(cookie)))
