"""A way to a server that is cut when a client says a certain word.

Beside the layers; for tests of what a lost connection leaves behind. Tests:
tests/functional/storage/postgres/test_writing.py.
"""

import socket
import threading
from contextlib import suppress
from enum import Enum


class Cut(Enum):
    """When the connection on which the word was said is cut."""

    BEFORE = "the server never hears the word"
    AFTER = "the server hears it and answers, and the client does not hear the answer"


class CuttingProxy:
    """Listens on `port` of 127.0.0.1 and hands on what it hears to `target`, byte for byte.

    While `cut` is set, the first connection on which `word` is said is cut, and `cut` is None
    again; where `leaves` is set it takes no more connections then, until `away` is False.
    """

    def __init__(self, target: int, word: bytes) -> None:
        self.cut: Cut | None = None
        self.leaves = False
        self.away = False
        self._target = target
        self._word = word
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more, and cut every connection."""
        for one in (self._listener, *self._sockets):
            _hang_up(one)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                if self.away:
                    _hang_up(client)
                    continue
                try:
                    server = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    _hang_up(client)
                    continue
                self._sockets.append(server)
                _Line(self, client, server).start()

    def cut_for(self, said: bytes) -> Cut | None:
        """What to do about `said`: how to cut, or None."""
        if self.cut is None or self._word not in said:
            return None
        self.away = self.leaves
        cut, self.cut = self.cut, None
        return cut


class _Line:
    """One client, one server, and a thread in either direction."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._deaf = False

    def start(self) -> None:
        """Begin to hand on."""
        threading.Thread(target=self._listen_to_client, daemon=True).start()
        threading.Thread(target=self._listen_to_server, daemon=True).start()

    def _listen_to_client(self) -> None:
        with suppress(OSError):
            while said := self._client.recv(65536):
                cut = self._proxy.cut_for(said)
                if cut is Cut.BEFORE:
                    break
                self._deaf = cut is Cut.AFTER
                self._server.sendall(said)
        self._hang_up()

    def _listen_to_server(self) -> None:
        with suppress(OSError):
            while said := self._server.recv(65536):
                if self._deaf:
                    break
                self._client.sendall(said)
        self._hang_up()

    def _hang_up(self) -> None:
        _hang_up(self._client)
        _hang_up(self._server)


def _hang_up(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
