"""A load on a web server: `python -m bench.webload --port=P --seconds=S … PATH…`.

So many kept connections, each asking for the paths in turn, the next as soon as the last one was
answered, or all together at `--rate` a second, for `--seconds` or until it is ended. Prints a line
of JSON: `requests`, `seconds` until the last of them was answered, `took`, the seconds of each by
path, and `again`: how often one had to be asked again, because nothing was answered for five
seconds or the server hung up; such a one is not among the others.
"""

import argparse
import json
import selectors
import signal
import socket
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import cycle

#: Seconds without any answer after which all that was asked is asked again.
_PATIENCE = 5.0


class Connection:
    """One kept connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.socket = self._connected()
        self.begun = 0.0
        self.path = ""
        self.asked_again = False
        self._received = bytearray()
        self._awaited = -1

    def ask(self, path: str) -> None:
        self.path, self.begun, self.asked_again = path, time.monotonic(), False
        self._send()

    def again(self) -> None:
        """The server does not answer: ask on another connection."""
        self.asked_again = True
        self.socket.close()
        self.socket = self._connected()
        self._send()

    def _send(self) -> None:
        self._received.clear()
        self._awaited = -1
        head = f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
        self.socket.sendall(f"{head}Accept: */*\r\n\r\n".encode())

    def _connected(self) -> socket.socket:
        connected = socket.create_connection(("127.0.0.1", self._port))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def receive(self) -> int | None:
        """The size of the answer where it is complete now, else 0; None where none will come."""
        part = self.socket.recv(1 << 18)
        if not part:
            return None
        self._received += part
        if self._awaited < 0:
            self._read_head()
        if self._awaited > 0:
            return len(self._received) if len(self._received) >= self._awaited else 0
        chunked_end = self._awaited == 0 and self._received.endswith(b"\r\n0\r\n\r\n")
        return len(self._received) if chunked_end else 0

    def _read_head(self) -> None:
        head, end, _ = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        lines = bytes(head).lower().split(b"\r\n")
        if b" 200" not in lines[0]:
            raise RuntimeError(f"The server answered {bytes(self._received[:300])!r}.")
        sizes = [line for line in lines if line.startswith(b"content-length:")]
        # 0: chunked, which ends with an empty chunk.
        self._awaited = len(head) + 4 + int(sizes[0].partition(b":")[2]) if sizes else 0


class Load:
    """All connections, served in one loop."""

    def __init__(self, port: int, connections: int, paths: list[str], rate: float) -> None:
        self._paths: Iterator[str] = cycle(paths)
        self._rate = rate
        self._selector = selectors.DefaultSelector()
        self._free = [Connection(port) for _ in range(connections)]
        for one in self._free:
            self._selector.register(one.socket, selectors.EVENT_READ, one)
        self._asked = self._answered = 0
        self._last = 0.0
        self._ending = False
        self.again = 0
        self.took: dict[str, list[float]] = defaultdict(list)

    def end(self, *_: object) -> None:
        """Ask for nothing more."""
        self._ending = True

    def run(self, seconds: float) -> float:
        """Ask for so long; the seconds until the last answer that was not asked for again."""
        begun = self._last = time.monotonic()
        while time.monotonic() - begun < seconds and not self._ending:
            self._ask_free(begun)
            self._take(0.5 / self._rate if self._rate else _PATIENCE)
        while self._answered < self._asked:
            self._take(_PATIENCE)
        return self._last - begun

    def _ask_free(self, begun: float) -> None:
        due = float("inf") if not self._rate else (time.monotonic() - begun) * self._rate
        while self._free and self._asked < due:
            self._free.pop().ask(next(self._paths))
            self._asked += 1

    def _take(self, patience: float) -> None:
        ready = self._selector.select(patience)
        if not ready and patience == _PATIENCE:
            for key in list(self._selector.get_map().values()):
                self._ask_again(key.data)
        for key, _ in ready:
            connection: Connection = key.data
            size = connection.receive()
            if size is None:
                self._ask_again(connection)
            elif size:
                self._answered += 1
                self._tell(connection)
                self._free.append(connection)

    def _tell(self, connection: Connection) -> None:
        """Who was asked again, is counted for that alone: what it has waited says nothing else."""
        if not connection.asked_again:
            self._last = time.monotonic()
            self.took[connection.path].append(self._last - connection.begun)

    def _ask_again(self, connection: Connection) -> None:
        self.again += 1
        self._selector.unregister(connection.socket)
        connection.again()
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0: no limit")
    parser.add_argument("paths", nargs="+")
    options = parser.parse_args()
    load = Load(options.port, options.connections, options.paths, options.rate)
    signal.signal(signal.SIGTERM, load.end)
    seconds = load.run(options.seconds)
    requests = sum(map(len, load.took.values()))
    told = {"requests": requests, "seconds": seconds, "again": load.again, "took": load.took}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
