"""The daemon's side of the control socket.

Layer 5. One request per connection; see `admin.protocol` for what is said. Nothing that a caller
does or leaves undone holds more than its own connection: lines, descriptors, connections and
silences are bounded. Tests: tests/functional/admin/test_control.py.
"""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from buildfarm.admin.conversation import Call, Conversation
from buildfarm.admin.protocol import Problem, encode_answer
from buildfarm.flow.deadlines import with_deadline
from buildfarm.vocab.errors import FarmError, Stopped

#: Conversations at once; each may hold some descriptors and one request line.
MAX_CONVERSATIONS = 64

#: Connections that the kernel may hold for us; callers beyond that wait for a moment.
BACKLOG = 128

_TOO_MANY = "The manager is answering too many commands; try again in a moment."

#: Seconds between two looks at whether the socket is still there.
LOOK_INTERVAL = 5.0

#: Seconds that the verbs under way are given when the server stops.
STOP_GRACE = 1.0


class ControlServer:
    """Listens at `path` (mode 0600) and answers each request with what `call` makes of it.

    Whoever starts it holds the manager's lock: a socket that is found there is a dead daemon's
    and is removed. A socket that somebody removes while this listens is made again.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, path: Path, call: Call, max_conversations: int = MAX_CONVERSATIONS
    ) -> None:
        self._reactor = reactor
        self._path = path
        self._call = call
        self._max_conversations = max_conversations
        self._conversations: set[Conversation] = set()
        self._idle: Deferred[None] | None = None
        self._port: Any = None
        self._made: os.stat_result | None = None
        self._loop = LoopingCall(self._look)
        self._loop.clock = reactor

    @property
    def conversations(self) -> int:
        """How many commands are being answered."""
        return len(self._conversations)

    async def start(self) -> None:
        """Listen from now on; raises FarmError where the socket cannot be made."""
        try:
            self._listen()
        except (OSError, CannotListenError) as error:
            raise FarmError(f"The control socket {self._path} cannot be made: {error}.") from error
        self._loop.start(LOOK_INTERVAL, now=False)

    def _listen(self) -> None:
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._make_room()
        self._port = self._reactor.listenUNIX(
            str(self._path), _Conversations(self._converse), mode=0o600, backlog=BACKLOG
        )
        self._made = self._path.lstat()

    def _is_there(self) -> bool:
        """Whether our socket is what callers find."""
        try:
            return self._made is not None and os.path.samestat(self._path.lstat(), self._made)
        except OSError:
            return False

    def _look(self) -> None:
        if self._is_there():
            return
        self._let_go()
        try:
            self._listen()
        except (OSError, CannotListenError) as error:
            self.log.error(
                "no command reaches the manager: its control socket {path} was removed, and "
                "cannot be made again: {error}",
                path=self._path,
                error=error,
            )
        else:
            self.log.warn("the control socket {path} was removed; made again", path=self._path)

    def _let_go(self) -> None:
        """Close a port whose name is not there, or is another's by now: nothing to remove."""
        port, self._port = self._port, None
        if port is not None:
            port.stopReading()
            port.socket.close()
            self._made = None

    def _make_room(self) -> None:
        """Remove a dead daemon's socket; anything else at our path is somebody's, and stays."""
        if self._path.is_socket():
            self._path.unlink()
        elif os.path.lexists(self._path):
            raise FileExistsError(errno.EEXIST, "something else than a socket is there")

    async def stop(self) -> None:
        """Take no more requests, give those under way a moment, and let everybody go."""
        if self._loop.running:
            self._loop.stop()
        if not self._is_there():
            self._let_go()
        if self._port is not None:
            await self._port.stopListening()
        await self._wait_until_idle()
        for conversation in list(self._conversations):
            conversation.drop()
        await self._wait_until_idle()

    async def _wait_until_idle(self) -> None:
        if not self._conversations:
            return
        self._idle = Deferred()
        with suppress(Stopped):
            await with_deadline(self._reactor, STOP_GRACE, self._idle, lambda: Stopped("late"))
        self._idle = None

    def _converse(self) -> Protocol:
        """What answers a new connection; in a flood nobody is even listened to."""
        if len(self._conversations) >= 2 * self._max_conversations:
            return _Flooded()
        refusal = None
        if len(self._conversations) >= self._max_conversations:
            refusal = _TOO_MANY
        conversation = Conversation(self._reactor, self._call, self._ended, refusal)
        self._conversations.add(conversation)
        return conversation

    def _ended(self, conversation: Conversation) -> None:
        self._conversations.discard(conversation)
        if not self._conversations and self._idle is not None:
            idle, self._idle = self._idle, None
            idle.callback(None)


class _Conversations(Factory):
    noisy = False

    def __init__(self, converse: Callable[[], Protocol]) -> None:
        self._converse = converse

    def buildProtocol(self, addr: IAddress | None) -> Protocol:  # noqa: N802 - Twisted's name
        return self._converse()


class _Flooded(Protocol):
    """Refuses whatever is going to be asked, and is gone."""

    transport: Any

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Say so at once."""
        self.transport.write(encode_answer(Problem(_TOO_MANY)))
        self.transport.loseConnection()
