"""Layer 2: messages of bounded size over a stream socket, each with its length before it.

Tests: tests/functional/flow/test_frames.py.
"""

import socket
import struct
import time
from collections.abc import Callable

from buildfarm.vocab.errors import ChildError, ChildTimedOut, ConversationEnded

_LENGTH = struct.Struct(">I")


class Frames:
    """One end of a connection. A deadline is seconds from now; None waits for ever.

    `peer` is what errors call the other end. `clock` gives seconds.
    """

    def __init__(
        self,
        connection: socket.socket,
        max_size: int,
        peer: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._max_size = max_size
        self._peer = peer
        self._clock = clock

    def send(self, payload: bytes, deadline: float | None) -> None:
        """Send one message.

        Raises ChildError for one that is too large, ChildTimedOut, and ConversationEnded.
        """
        if len(payload) > self._max_size:
            raise ChildError(
                f"A message of {len(payload)} bytes for {self._peer} is over the limit of "
                f"{self._max_size}."
            )
        try:
            self._connection.settimeout(deadline)
            self._connection.sendall(_LENGTH.pack(len(payload)) + payload)
        except TimeoutError as error:
            raise ChildTimedOut(f"{self._peer} took nothing for {deadline} s.") from error
        except OSError as error:
            raise ConversationEnded(f"{self._peer} has ended: {error}") from error

    def receive(self, deadline: float | None) -> bytes:
        """The next message, whole.

        Raises ChildTimedOut where it is not complete in time, ChildError where it announces more
        than is allowed, ConversationEnded where the other end is gone.
        """
        until = None if deadline is None else self._clock() + deadline
        (size,) = _LENGTH.unpack(self._read(_LENGTH.size, until))
        if size > self._max_size:
            raise ChildError(
                f"{self._peer} announced a message of {size} bytes; {self._max_size} are allowed."
            )
        return self._read(size, until)

    def close(self) -> None:
        """End the conversation."""
        self._connection.close()

    def _read(self, size: int, until: float | None) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                self._connection.settimeout(self._left(until))
                chunk = self._connection.recv(size - len(data))
            except TimeoutError as error:
                raise ChildTimedOut(f"{self._peer} did not answer in time.") from error
            except OSError as error:
                raise ConversationEnded(f"{self._peer} has ended: {error}") from error
            if not chunk:
                raise ConversationEnded(f"{self._peer} has ended.")
            data += chunk
        return bytes(data)

    def _left(self, until: float | None) -> float | None:
        if until is None:
            return None
        left = until - self._clock()
        if left <= 0:
            raise TimeoutError
        return left
