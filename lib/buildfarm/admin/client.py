"""The caller's side of the control socket.

Layer 5, standard library only and blocking: a command asks, prints and ends; importing Twisted
would take longer than the answer. Tests: tests/functional/admin/test_control.py (both sides).
"""

import socket
import struct
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

from buildfarm.admin.protocol import (
    MAX_SILENCE,
    Answer,
    Done,
    Part,
    Problem,
    Request,
    Rows,
    decode_answer,
    encode_request,
)
from buildfarm.vocab.errors import FarmError, Refused

#: Seconds, and microseconds, for which the kernel waits for room among those who wait to be heard.
_CONNECT_WITHIN = struct.pack("ll", 10, 0)


class NobodyListens(FarmError):
    """No daemon answers at the control socket."""


def connect(path: Path) -> socket.socket:
    """A connection to the daemon at `path`; raises NobodyListens, or Refused without the right."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _CONNECT_WITHIN)
    try:
        connection.connect(str(path))
    except BlockingIOError as error:
        connection.close()
        raise Refused(
            f"The manager at {path} takes no connection: it is flooded with commands, or hangs; "
            "try again in a moment."
        ) from error
    except PermissionError as error:
        connection.close()
        raise Refused(
            f"{path} may not be opened: only the user that the manager runs as, and root, "
            "may give it commands."
        ) from error
    except OSError as error:
        connection.close()
        raise NobodyListens(f"No manager listens at {path}: {error.strerror}.") from error
    connection.settimeout(MAX_SILENCE)
    return connection


def ask(
    connection: socket.socket,
    request: Request,
    files: Sequence[BinaryIO],
    on_part: Callable[[Any], None],
) -> Any:
    """Send `request` with the descriptors of `files` and return the verb's result.

    `on_part` is called with each piece of an answer that comes in pieces. Raises Refused with the
    daemon's sentence, and FarmError where the daemon goes away or falls silent.
    """
    rows: list[Any] = []
    with closing(_answers(connection, request, files)) as answers:
        for answer in answers:
            match answer:
                case Part(value):
                    on_part(value)
                case Rows(value):
                    rows += value
                case Done(value):
                    return [*rows, *value] if rows else value
                case Problem(sentence):
                    raise Refused(sentence)
    raise FarmError(_gone(request))


def _answers(
    connection: socket.socket, request: Request, files: Sequence[BinaryIO]
) -> Generator[Answer | None, None, None]:
    """The answers as they come, None for a sign of life.

    Only what goes wrong on this connection is told as that, not what its reader does with it.
    """
    line = encode_request(request)
    try:
        with connection, connection.makefile("rb") as lines:
            sent = socket.send_fds(connection, [line], [file.fileno() for file in files])
            if sent < len(line):  # even to send nothing fails where the answer was that quick
                connection.sendall(line[sent:])
            while answer_line := lines.readline():
                yield decode_answer(answer_line)
    except TimeoutError as error:
        raise FarmError(
            f"The manager has said nothing for {MAX_SILENCE:.0f} s; whether "
            f"{request.verb} was done is unknown."
        ) from error
    except ConnectionError as error:
        raise FarmError(_gone(request)) from error


def _gone(request: Request) -> str:
    return f"The manager went away before it answered; whether {request.verb} was done is unknown."
