"""What changes, as a browser hears it."""

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

from buildfarm.assembly.walltime import utc_now
from buildfarm.storage import people
from buildfarm.vocab.people import ArchiveRight, TokenKind
from tests.functional.filestore.listeners import send_form
from tests.functional.statuspage.farmcases import FarmPagesTestCase


class Listener:
    """A browser's event stream: events as they come, in a thread."""

    def __init__(self, port: int, cookie: str = "", last: str = "") -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.ended = False
        self.head = b""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        lines = ["GET /+events HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        lines += [f"Cookie: {cookie}"] if cookie else []
        lines += [f"Last-Event-ID: {last}"] if last else []
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up."""
        self._socket.close() if self.ended else self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()

    def _listen(self) -> None:
        position = ""
        for line in self._lines():
            if line.startswith("id: "):
                position = line[4:]
            elif line.startswith("data: "):
                self.events.append((position, json.loads(line[6:])))
        self.ended = True

    def _lines(self) -> Iterator[str]:
        with self._socket.makefile("rb") as stream:
            for raw in stream:
                self.head += raw if b"\r\n\r\n" not in self.head else b""
                yield raw.decode().rstrip("\r\n")
                if raw == b"0\r\n":
                    return


class ChangeStreamTests(FarmPagesTestCase):
    number = 0

    def look_on(self, cookie: str = "", last: str = "") -> Listener:
        """A browser that looks on."""
        listener = Listener(self.farm.web_port, cookie, last)
        self.addCleanup(self._hang_up, listener)
        return listener

    async def _hang_up(self, listener: Listener) -> None:
        await self.clients.run(listener.close)

    async def cookie(self, person: str) -> str:
        """The session of somebody who has logged in."""
        link = await self.issue(TokenKind.LOGIN, person)
        answer = await self.clients.run(
            send_form, self.farm.web_port, "/+login", f"link={link.joined}"
        )
        return answer.headers["set-cookie"].partition(";")[0]

    async def all_hear(self, *listeners: Listener) -> None:
        """Let something change until all of these have heard of it: from then on they look on."""

        async def heard() -> bool:
            self.number += 1
            await self.farm.submit(f"warm{self.number}")
            return all(one.events for one in listeners)

        await self.wait_until(heard, what="all to hear of something")

    @staticmethod
    def heard(listener: Listener, kind: str) -> set[Any]:
        """Every builder or build that a listener was told of."""
        return {name for _, told in listener.events for name in told.get(kind, ())}

    async def test_who_looks_on_hears_of_what_they_may_know(self) -> None:
        """A private build is told of to its readers; that there is work, to nobody else."""
        anybody, rita = self.look_on(), self.look_on(await self.cookie("rita"))
        await self.all_hear(anybody, rita)
        hidden = await self.farm.submit("hidden", archive="secret")
        seen = await self.farm.submit("hello")
        for one in (anybody, rita):
            await self.wait_until(lambda one=one: seen in self.heard(one, "builds"))
        self.assertIn(hidden, self.heard(rita, "builds"))
        self.assertNotIn(hidden, self.heard(anybody, "builds"))

    async def test_who_comes_again_misses_nothing(self) -> None:
        """They name the last event that they have heard of."""
        first = self.look_on()
        await self.all_hear(first)
        last = first.events[-1][0]
        staying = self.look_on()
        await self.all_hear(staying)
        await self._hang_up(first)
        second = await self.farm.submit("two")
        await self.wait_until(lambda: second in self.heard(staying, "builds"))
        again = self.look_on(last=last)
        await self.wait_until(lambda: second in self.heard(again, "builds"))
        self.assertIn(b"content-type: text/event-stream", again.head.lower())

    async def test_it_ends_when_rights_change(self) -> None:
        """The browser connects again, and is who it is now."""
        rita, bert = (
            self.look_on(await self.cookie("rita")),
            self.look_on(await self.cookie("bert")),
        )
        await self.all_hear(rita, bert)
        now = utc_now()
        await self.farm.write(people.withdraw, "secret", "rita", ArchiveRight.READ, "test", now)
        await self.wait_until(lambda: rita.ended, what="the stream of rita to end")
        self.assertFalse(bert.ended)

    async def test_head_has_no_events(self) -> None:
        """Whoever asks for headers alone gets them, and the answer ends."""
        answer = await self.get(self.farm.web_port, "/+events", "HEAD")
        self.assertEqual("text/event-stream; charset=utf-8", answer.headers["content-type"])

    async def test_it_ends_with_the_farm(self) -> None:
        """Which does not wait for viewers."""
        listener = self.look_on()
        await self.all_hear(listener)
        await self.farm.stop()
        await self.wait_until(lambda: listener.ended)
