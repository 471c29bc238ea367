"""The control socket, both sides: what a caller gets, and what a hostile one does not."""

import array
import json
import os
import socket
import stat
from threading import Thread
from typing import Any, BinaryIO

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread

from buildfarm.admin import client, conversation, server
from buildfarm.admin.client import NobodyListens
from buildfarm.admin.farm import Caller
from buildfarm.admin.protocol import MAX_FILES, MAX_REQUEST, Request
from buildfarm.admin.server import ControlServer
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.procfs import open_descriptors
from buildfarm.vocab.errors import FarmError, Refused


class ControlCase(FarmTestCase):
    """A server whose verbs are methods of the test, `verb_NAME(caller, **params)`."""

    async def setUp(self) -> None:
        super().setUp()
        self.path = self.make_directory() / "run" / "control.sock"
        self.server = ControlServer(self.reactor, self.path, self.call, max_conversations=4)
        await self.server.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.server.stop()))
        self.parts: list[Any] = []
        self.before = open_descriptors()

    async def call(self, caller: Caller, verb: str, params: dict[str, Any]) -> Any:
        """Run a verb of the test."""
        return await getattr(self, f"verb_{verb}")(caller, **params)

    async def verb_echo(self, caller: Caller, **params: Any) -> Any:
        """What came."""
        return {"actor": caller.actor, "params": params}

    async def ask(self, request: Request, *files: BinaryIO) -> Any:
        """The answer that a command gets, in a thread as a command has it."""

        def asking() -> Any:
            connection = client.connect(self.path)
            return client.ask(connection, request, files, self.parts.append)

        return await deferToThread(asking)

    async def refusal(self, request: Request, *files: BinaryIO) -> str:
        """The sentence with which a request is refused."""
        try:
            await self.ask(request, *files)
        except Refused as refused:
            return str(refused)
        raise AssertionError(f"{request} was not refused")

    async def raw(self, content: bytes, *descriptors: int) -> list[bytes]:
        """What a caller gets who sends `content` and these descriptors, until the end."""

        def asking() -> list[bytes]:
            with client.connect(self.path) as connection:
                rights = array.array("i", descriptors)
                sent = connection.sendmsg(
                    [content], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
                )
                try:
                    connection.sendall(content[sent:])
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                with connection.makefile("rb") as answers:
                    return answers.readlines()

        return await deferToThread(asking)

    async def nothing_left(self) -> None:
        """Wait until every conversation has ended and every descriptor is closed."""
        await self.wait_until(lambda: not self.server._conversations)
        self.assertEqual(self.before, open_descriptors())


class TestAnswers(ControlCase):
    async def test_result(self) -> None:
        """A verb gets who asks and with which parameters; the caller gets its result."""
        answer = await self.ask(Request("echo", {"name": "bob", "n": [1, None]}, "alice"))
        self.assertEqual({"actor": "alice", "params": {"name": "bob", "n": [1, None]}}, answer)
        await self.nothing_left()

    async def test_only_the_owner_may_ask(self) -> None:
        """The socket is the owner's alone, in a directory that is not the world's."""
        self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode))
        self.assertEqual(0o750, stat.S_IMODE(self.path.parent.stat().st_mode))

    async def test_pieces(self) -> None:
        """A verb that sends pieces is read piece by piece, in order, however large they are."""
        expected = ["x" * 100_000, {"n": 1}] * 20
        self.expected = expected
        self.assertEqual("end", await self.ask(Request("pieces")))
        self.assertEqual(expected, self.parts)

    async def verb_pieces(self, caller: Caller) -> str:
        """Send what the test expects."""
        for piece in self.expected:
            await caller.send(piece)
        return "end"

    async def test_long_list(self) -> None:
        """A long list arrives whole, and the reactor does other things while it is written."""
        turns = 0

        def count() -> None:
            nonlocal turns
            turns += 1

        counting = LoopingCall(count)
        counting.start(0)
        for length in (0, 1, 100, 101, 5000):
            turns = 0
            answer = await self.ask(Request("rows", {"length": length}))
            self.assertEqual([{"n": n} for n in range(length)], answer)
        counting.stop()
        self.assertTrue(turns >= 49, turns)

    async def verb_rows(self, caller: Caller, length: int) -> list[dict[str, int]]:
        """A list of this length."""
        return [{"n": n} for n in range(length)]

    async def test_refusal(self) -> None:
        """A verb's refusal reaches the caller as its sentence; so do other errors of the farm."""
        for kind in ("Refused", "FarmError"):
            self.assertEqual("No such builder.", await self.refusal(Request("no", {"kind": kind})))

    async def verb_no(self, caller: Caller, kind: str) -> None:
        """Refuse."""
        raise {"Refused": Refused, "FarmError": FarmError}[kind]("No such builder.")

    async def test_failure(self) -> None:
        """A verb that fails is logged; the caller learns where to look, and nothing of ours."""
        self.assertEqual(
            "The manager failed at this; its log says more.", await self.refusal(Request("broken"))
        )
        self.assertEqual(1, len(self.flush_logged_errors(ZeroDivisionError)))

    async def verb_broken(self, caller: Caller) -> None:
        """Fail."""
        raise ZeroDivisionError

    async def test_silence_is_broken(self) -> None:
        """While a verb takes its time, signs of life keep the caller waiting."""
        self.patch(conversation, "HEARTBEAT", 0.01)
        self.patch(client, "MAX_SILENCE", 0.2)
        self.release: Deferred[str] = Deferred()
        self.reactor.callLater(0.5, self.release.callback, "late")
        self.assertEqual("late", await self.ask(Request("slow")))

    async def verb_slow(self, caller: Caller) -> str:
        """End when the test says so."""
        return await self.release

    async def test_dead_silence(self) -> None:
        """A daemon that says nothing at all is given up, and the caller told what that means."""
        self.patch(conversation, "HEARTBEAT", 60.0)
        self.patch(client, "MAX_SILENCE", 0.1)
        self.release = Deferred()
        try:
            await self.ask(Request("slow"))
        except FarmError as error:
            self.assertEqual(
                "The manager has said nothing for 0 s; whether slow was done is unknown.",
                str(error),
            )
        else:
            self.fail("Not given up")
        self.release.callback("late")
        await self.nothing_left()


class TestFiles(ControlCase):
    async def verb_read(self, caller: Caller) -> dict[str, str]:
        """The files that came, by name."""
        return {file.name: file.stream.read().decode() for file in caller.files}

    def file(self, content: str) -> BinaryIO:
        """An open file that the server could not open by itself: it has no name any more."""
        path = self.make_directory() / "file"
        path.write_text(content)
        stream = path.open("rb")
        self.addCleanup(stream.close)
        path.unlink()
        self.before += 1
        return stream

    async def test_files_come_along(self) -> None:
        """Descriptors arrive under the names of the request, in its order, and are closed after."""
        answer = await self.ask(
            Request("read", files=("a.dsc", "b.tar")), self.file("one"), self.file("two")
        )
        self.assertEqual({"a.dsc": "one", "b.tar": "two"}, answer)
        await self.nothing_left()

    async def test_many_files(self) -> None:
        """As many files as the protocol allows."""
        file = self.file("x")
        names = tuple(f"f{n}" for n in range(MAX_FILES))
        self.assertEqual(
            MAX_FILES, len(await self.ask(Request("read", files=names), *[file] * MAX_FILES))
        )
        await self.nothing_left()

    async def test_names_and_files_differ(self) -> None:
        """Fewer or more files than names are refused, and closed."""
        self.assertEqual(
            "2 files are named and 1 came along.",
            await self.refusal(Request("read", files=("a", "b")), self.file("x")),
        )
        self.assertEqual(
            "0 files are named and 1 came along.",
            await self.refusal(Request("read"), self.file("x")),
        )
        await self.nothing_left()

    async def test_only_plain_files(self) -> None:
        """A pipe could keep a thread waiting for ever, and is refused."""
        reading, writing = os.pipe()
        self.before += 1
        self.addCleanup(os.close, writing)
        with os.fdopen(reading, "rb") as pipe:
            self.assertEqual(
                "a is not a plain file.", await self.refusal(Request("read", files=("a",)), pipe)
            )
        await self.nothing_left()

    async def test_too_many_files(self) -> None:
        """Files over the limit are refused, and all are closed."""
        line = json.dumps({"verb": "read", "params": {}, "actor": "", "files": []}).encode()
        descriptor = self.file("x").fileno()
        (answer,) = await self.raw(line + b"\n", *[descriptor] * (MAX_FILES + 20))
        self.assertIn(b"More than 200 files cannot be sent at once.", answer)
        await self.nothing_left()

    async def test_files_without_a_request(self) -> None:
        """Files of a caller who leaves before the end of the line are closed."""
        self.assertEqual([], await self.raw(b"{", *[self.file("x").fileno()] * 3))
        await self.nothing_left()


class TestHostile(ControlCase):
    async def test_line_too_long(self) -> None:
        """A line beyond the limit is cut off, not collected."""
        try:
            answers = await self.raw(b"x" * (MAX_REQUEST + 1000_000))
        except ConnectionResetError:
            answers = []
        self.assertEqual([], [answer for answer in answers if b"longer than" not in answer])
        await self.nothing_left()

    async def test_not_json(self) -> None:
        """Nonsense is refused in a sentence."""
        self.assertEqual(
            [b'{"problem": "The request is not a line of JSON."}\n'], await self.raw(b"GET /\n")
        )

    async def test_two_requests(self) -> None:
        """One request a connection: what follows is not looked at."""
        line = json.dumps({"verb": "echo", "params": {}, "actor": "a", "files": []}).encode()
        self.assertEqual(1, len(await self.raw((line + b"\n") * 3)))

    async def test_no_request(self) -> None:
        """Who says nothing is let go after a while."""
        self.patch(conversation, "REQUEST_DEADLINE", 0.1)
        with client.connect(self.path) as connection:
            await self.wait_until(lambda: self.server._conversations)
            self.assertEqual(b"", await deferToThread(connection.recv, 10))
        await self.nothing_left()

    async def test_too_many_callers(self) -> None:
        """Callers over the limit are refused while the others talk; a flood is not even heard."""
        idle = [client.connect(self.path) for _ in range(4)]
        await self.wait_until(lambda: len(self.server._conversations) == 4)
        self.assertEqual(
            "The manager is answering too many commands; try again in a moment.",
            await self.refusal(Request("echo")),
        )
        idle += [client.connect(self.path) for _ in range(8)]
        await self.wait_until(lambda: len(self.server._conversations) == 8)
        self.assertIn(b"too many commands", await deferToThread(idle[-1].recv, 1000))
        self.assertEqual(b"", await deferToThread(idle[-1].recv, 1000))
        for connection in idle:
            connection.close()
        self.assertEqual({}, (await self.ask(Request("echo")))["params"])

    async def test_hundreds_of_callers(self) -> None:
        """Each is answered or told in a sentence that it came at a bad time."""
        said: list[str] = []

        def asking() -> None:
            try:
                client.ask(client.connect(self.path), Request("echo"), (), self.parts.append)
            except Refused as refused:
                said.append(str(refused))
            else:
                said.append("done")

        callers = [Thread(target=asking) for _ in range(300)]
        for caller in callers:
            caller.start()
        await self.wait_until(lambda: len(said) == 300)
        for caller in callers:
            caller.join()
        refusal = "The manager is answering too many commands; try again in a moment."
        self.assertEqual(set(), set(said) - {"done", refusal})

    async def test_long_words_are_not_repeated_at_length(self) -> None:
        """A refusal quotes what was asked for, and is read by people."""
        said = await self.refusal(Request("refuse", {"words": "x" * 100_000}))
        self.assertLess(len(said), 2100)
        self.assertTrue(said.startswith("No xxx"), said[:20])
        self.assertTrue(said.endswith("xxx; try another."), said[-20:])

    async def verb_refuse(self, caller: Caller, words: str) -> None:
        """A sentence with what came."""
        raise Refused(f"No {words}; try another.")

    async def test_caller_that_does_not_read(self) -> None:
        """Pieces wait for a slow caller; one that never reads is let go, and the verb with it."""
        self.patch(conversation, "MAX_SILENCE", 0.2)
        self.sent = 0
        line = json.dumps({"verb": "flood", "params": {}, "actor": "a", "files": []}).encode()
        with client.connect(self.path) as connection:
            connection.sendall(line + b"\n")
            await self.wait_until(lambda: self.sent)
            await self.wait_until(lambda: not self.server._conversations)
        self.assertTrue(self.sent < 1000, self.sent)

    async def verb_flood(self, caller: Caller) -> None:
        """Send without end."""
        while True:
            await caller.send("x" * 65536)
            self.sent += 1

    async def test_caller_that_leaves(self) -> None:
        """A verb that sends pieces ends when its caller has left."""
        self.sent = 0
        line = json.dumps({"verb": "flood", "params": {}, "actor": "a", "files": []}).encode()
        with client.connect(self.path) as connection:
            connection.sendall(line + b"\n")
            await deferToThread(connection.recv, 10)
        await self.nothing_left()


class TestLostSocket(ControlCase):
    async def setUp(self) -> None:
        self.patch(server, "LOOK_INTERVAL", 0.05)
        await super().setUp()

    async def answers(self) -> bool:
        """Whether a command is answered at the path, by a socket for the owner alone."""
        try:
            await self.ask(Request("echo", {}, "alice"))
        except FarmError:
            return False
        return stat.S_IMODE(self.path.stat().st_mode) == 0o600

    async def test_removed(self) -> None:
        """It is made again, as it was, and nobody needs to restart the manager."""
        self.path.unlink()
        await self.wait_until(self.answers)

    async def test_replaced(self) -> None:
        """What somebody has put there is not touched; when it is gone, ours is back."""
        self.path.unlink()
        self.path.write_text("mine")
        await self.wait_until(lambda: self.server._port is None)
        self.assertEqual("mine", self.path.read_text())
        self.path.unlink()
        await self.wait_until(self.answers)

    async def test_removed_before_the_end(self) -> None:
        """The server stops as if it had not been, and leaves others' files alone."""
        self.path.unlink()
        self.path.write_text("mine")
        await self.server.stop()
        self.assertEqual("mine", self.path.read_text())


class TestStartAndStop(FarmTestCase):
    async def call(self, caller: Caller, verb: str, params: dict[str, Any]) -> Any:
        """Take until the test says so."""
        return await self.release

    def setUp(self) -> None:
        super().setUp()
        self.path = self.make_directory() / "control.sock"
        self.release: Deferred[str] = Deferred()
        self.server = ControlServer(self.reactor, self.path, self.call)

    async def asked(self) -> Any:
        """The answer to a request."""

        def asking() -> Any:
            return client.ask(client.connect(self.path), Request("x"), (), lambda _: None)

        return await deferToThread(asking)

    async def test_nobody_listens(self) -> None:
        """Without a daemon the caller is told so; a dead one's socket is no daemon."""
        self.assertRaises(NobodyListens, client.connect, self.path)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.path))
        self.assertRaises(NobodyListens, client.connect, self.path)

    async def test_socket_of_a_dead_daemon(self) -> None:
        """A killed daemon's socket is replaced at the next start."""
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.path))
        await self.server.start()
        client.connect(self.path).close()
        await self.server.stop()
        self.assertFalse(self.path.exists())

    async def test_path_that_cannot_be_used(self) -> None:
        """A socket that cannot be made is said with its path."""
        self.path.mkdir()
        self.assertIn(f"The control socket {self.path} cannot be made: ", await self.start_fault())

    async def test_somebody_elses_file(self) -> None:
        """A file where the socket should be is left alone: only a dead socket is replaced."""
        self.path.write_text("precious")
        self.assertIn("something else than a socket is there", await self.start_fault())
        self.assertEqual("precious", self.path.read_text())

    async def start_fault(self) -> str:
        """Why the server cannot start."""
        try:
            await self.server.start()
        except FarmError as error:
            return str(error)
        self.fail("Started")
        return ""

    async def test_stop_waits_for_verbs_under_way(self) -> None:
        """Who is being answered gets the answer before the server is gone."""
        await self.server.start()
        answer = Deferred.fromCoroutine(self.asked())
        await self.wait_until(lambda: self.server._conversations)
        stopped = Deferred.fromCoroutine(self.server.stop())
        self.reactor.callLater(0.1, self.release.callback, "done")
        self.assertEqual("done", await answer)
        await stopped

    async def test_stop_does_not_wait_for_ever(self) -> None:
        """A verb without end is cut off, and its caller told that nothing is certain."""
        self.patch(server, "STOP_GRACE", 0.1)
        await self.server.start()
        answer = Deferred.fromCoroutine(self.asked())
        await self.wait_until(
            lambda: any(one._work is not None for one in self.server._conversations)
        )
        await self.server.stop()
        try:
            await answer
        except FarmError as error:
            self.assertEqual(
                "The manager went away before it answered; whether x was done is unknown.",
                str(error),
            )
        else:
            self.fail("Answered")
