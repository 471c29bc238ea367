"""The daemon's calls and replies, against what genuine daemons were recorded saying.

`tests/data/launchpad-buildd-transcripts.json` is the traffic of launchpad-buildd 254 and 206; only
the kernel's name in a log was changed.
"""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from testtools import ExpectedException

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.observation import BuildReply, Observation, PresenceReply
from buildfarm.vocab.states import BuildOutcome, DaemonStatus
from buildfarm.wire import builderrpc
from buildfarm.wire.builderrpc import Fault, MalformedMessage, Value

_TRANSCRIPTS = Path(__file__).parents[2] / "data" / "launchpad-buildd-transcripts.json"
_ROWS = json.loads(_TRANSCRIPTS.read_text())

# Answers that are no XML-RPC; the third is to a request that was none.
_NO_REPLY = {"protocol/rpc-wrong-path"}
_NO_CALL = {"protocol/xx-empty-body", "protocol/xx-malformed-xml", "protocol/xx-not-a-methodCall"}


def answer(case: str) -> Value | Fault:
    """What the daemon was recorded answering in `case`."""
    (response,) = (row["response"] for row in _ROWS if row["case"] == case)
    return builderrpc.decode_reply(response.encode())


def value(case: str) -> Value:
    """As `answer`, where it is no fault."""
    answered = answer(case)
    assert not isinstance(answered, Fault)
    return answered


class TestTranscripts(FarmTestCase):
    """Every row of the recorded traffic."""

    def test_every_answer_is_understood(self) -> None:
        """But the page that is none."""
        for row in _ROWS:
            body = row["response"].encode()
            if row["case"] in _NO_REPLY:
                self.assertRaises(MalformedMessage, builderrpc.decode_reply, body)
            else:
                builderrpc.decode_reply(body)

    def test_every_call_is_understood_and_written_alike(self) -> None:
        """What we would send for it is read as the same call."""
        for row in _ROWS:
            if row["request"] is None:
                continue
            body = row["request"].encode()
            if row["case"] in _NO_CALL:
                self.assertRaises(MalformedMessage, builderrpc.decode_call, body)
                continue
            call = builderrpc.decode_call(body)
            written = builderrpc.encode_call(call.method, call.params)
            self.assertEqual(call, builderrpc.decode_call(written))

    def test_every_status_is_an_observation_and_can_be_told_again(self) -> None:
        """So the fakes can say whatever the genuine one said."""
        for row in _ROWS:
            told = (
                builderrpc.decode_reply(row["response"].encode())
                if "/status" in row["case"]
                else None
            )
            if told is None or isinstance(told, Fault):
                continue
            observation = builderrpc.decode_status(told)
            self.assertEqual(told, builderrpc.status_value(observation))


class TestStatus(FarmTestCase):
    """What a status says."""

    def test_an_idle_daemon_says_nothing_else(self) -> None:
        """The version is there only where the daemon's package is installed."""
        idle = builderrpc.decode_status(value("protocol/status-idle"))
        self.assertEqual(Observation(DaemonStatus.IDLE), idle)

    def test_a_finished_build_has_its_files(self) -> None:
        """By name, with their SHA-1."""
        said = builderrpc.decode_status(value("ok/status-WAITING"))
        self.assertEqual(
            (DaemonStatus.WAITING, BuildOutcome.OK, "PACKAGEBUILD-101", "254", ""),
            (said.status, said.outcome, said.build_id, said.version, said.dependencies),
        )
        self.assertEqual(
            "581dd2109cb67958dca9d2a32fce6a13c103e3f9", said.filemap["hello_2.10-3_amd64.changes"]
        )

    def test_a_missing_dependency_is_named(self) -> None:
        """In the daemon's words."""
        said = builderrpc.decode_status(value("depfail/status-WAITING"))
        self.assertEqual(
            (BuildOutcome.DEPFAIL, "no-such-package-xyz"), (said.outcome, said.dependencies)
        )

    def test_only_the_end_of_a_long_log_tail_is_kept(self) -> None:
        """2048 bytes, as the daemon sends at most, from the first whole line on."""
        tail = b"a" * 5000 + b"\n" + b"b" * 2040
        said = builderrpc.decode_status(
            {"builder_status": "BuilderStatus.BUILDING", "build_id": "x", "logtail": tail}
        )
        self.assertEqual(b"b" * 2040, said.logtail)

    def test_a_status_that_no_daemon_has_is_refused(self) -> None:
        """Unknown words, missing or wrong parts, what only `build` answers, too long texts."""
        building = {"builder_status": "BuilderStatus.BUILDING", "build_id": "x"}
        waiting = {
            "builder_status": "BuilderStatus.WAITING",
            "build_id": "x",
            "build_status": "BuildStatus.OK",
        }
        wrong: list[Value] = [
            [],
            None,
            {},
            {"builder_status": 1},
            {"builder_status": "BuilderStatus.HAPPY"},
            {"builder_status": "BuilderStatus.UNKNOWNSUM"},
            {"builder_status": "BuilderStatus.BUILDING"},
            {**building, "build_id": 7},
            {**building, "build_id": "x" * 2000},
            {**building, "logtail": "text"},
            {**waiting, "build_status": None},
            {**waiting, "build_status": "BuildStatus.FINE"},
            {**waiting, "filemap": []},
            {**waiting, "filemap": {"a.deb": 1}},
            {**waiting, "filemap": {"a" * 2000: "x"}},
            {**waiting, "dependencies": "x" * 100_000},
            {**waiting, "builder_version": 254},
        ]
        for status in wrong:
            with ExpectedException(MalformedMessage):
                builderrpc.decode_status(status)


class TestOtherReplies(FarmTestCase):
    """What the other calls answer."""

    def test_info(self) -> None:
        """Protocol, architecture, and what can be built."""
        said = builderrpc.decode_info(value("protocol/info"))
        self.assertEqual(("1.0", "amd64"), (said.protocol, said.architecture))
        self.assertIn("binarypackage", said.build_types)

    def test_ensurepresent(self) -> None:
        """Whether the file is there, and why not."""
        self.assertEqual(
            PresenceReply(present=True, text="Download"),
            builderrpc.decode_presence(value("protocol/ep-download")),
        )
        refused = builderrpc.decode_presence(value("protocol/ep-404"))
        self.assertEqual(
            PresenceReply(
                present=False, text="Error accessing Librarian: HTTP Error 404: Not Found"
            ),
            refused,
        )

    def test_build(self) -> None:
        """Only BUILDING with the cookie confirms."""
        confirmed = builderrpc.decode_build(value("ok/build"))
        self.assertEqual(BuildReply(DaemonStatus.BUILDING, "PACKAGEBUILD-101"), confirmed)
        self.assertTrue(confirmed.confirms("PACKAGEBUILD-101"))
        self.assertFalse(confirmed.confirms("PACKAGEBUILD-10"))
        unknown = builderrpc.decode_build(value("protocol/build-missing-chroot"))
        self.assertIs(DaemonStatus.UNKNOWNSUM, unknown.status)

    def test_abort_and_clean(self) -> None:
        """The state that the daemon is in now."""
        aborting = builderrpc.decode_word(value("abort/abort"))
        self.assertIs(DaemonStatus.ABORTING, aborting)
        self.assertIs(DaemonStatus.IDLE, builderrpc.decode_word(value("ok/clean")))

    def test_a_fault_is_none_of_these(self) -> None:
        """It is told apart before."""
        self.assertEqual(Fault(8002, "error"), answer("ok/clean-again"))


_ANYTHING: st.SearchStrategy[Value] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.binary(max_size=9)
    | st.text(max_size=9)
    | st.sampled_from([state.value for state in [*DaemonStatus, *BuildOutcome]]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "builder_status",
                    "build_status",
                    "build_id",
                    "logtail",
                    "filemap",
                    "dependencies",
                    "builder_version",
                ]
            ),
            inner,
            max_size=7,
        )
    ),
    max_leaves=12,
)


class TestAnyValue(FarmTestCase):
    """A daemon may answer anything."""

    @given(_ANYTHING)
    def test_every_decoder_understands_or_refuses(self, said: Value) -> None:
        """There is no other error."""
        for decode in (
            builderrpc.decode_status,
            builderrpc.decode_info,
            builderrpc.decode_presence,
            builderrpc.decode_build,
            builderrpc.decode_word,
        ):
            try:
                decode(said)
            except MalformedMessage:
                continue
