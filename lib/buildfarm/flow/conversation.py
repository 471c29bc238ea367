"""Layer 2: what a forked child and the manager say to each other.

The manager sends pickles, since a child believes its manager. A child may have been taken over by
the hostile file that it looks at, so what it sends is JSON of bounded size, one object for each
message: `{"value": …}` what its function sent, `{"ready": true}` once before, `{"failed": sentence,
"details": traceback}` at a bad end.

Tests: tests/functional/flow/test_forks.py.
"""

import json
import pickle
import socket
import traceback
from dataclasses import dataclass
from typing import Any

from buildfarm.flow.frames import Frames
from buildfarm.vocab.errors import ChildError, ConversationEnded
from buildfarm.vocab.text import one_line, shown

#: The largest message from a child, and to one, in bytes.
FROM_CHILD = 1024 * 1024
TO_CHILD = 16 * 1024 * 1024

_DETAILS = 8000


@dataclass(frozen=True, slots=True)
class Job:
    """What a child is to do: `function`, as "module:name", with `argument`."""

    function: str
    argument: Any


class Conversation:
    """The child's end, given to its function.

    When the manager is gone `receive` and `send` raise ConversationEnded; a function that does not
    catch that ends with it, one that must not stop half-way catches it and goes on.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._incoming = Frames(connection, TO_CHILD, "the manager")
        self._outgoing = Frames(connection, FROM_CHILD, "the manager")

    def receive(self, deadline: float | None = None) -> Any:
        """The next thing that the manager sends."""
        return pickle.loads(self._incoming.receive(deadline))  # noqa: S301 - from our manager

    def send(self, value: Any) -> None:
        """Tell the manager `value`, anything that JSON can hold.

        Waits for as long as the manager does not listen. Raises ConversationEnded where it is
        gone, and ChildError where `value` is too large.
        """
        self._tell({"value": value})

    def begin(self) -> None:
        """Tell the manager that the function begins now."""
        self._tell({"ready": True})

    def fail(self, error: BaseException) -> None:
        """Tell the manager, if it is still there, with what the function ended."""
        details = "".join(traceback.format_exception(error))[-_DETAILS:]
        try:
            self._tell(
                {"failed": f"{type(error).__name__}: {error}"[:_DETAILS], "details": details}
            )
        except ConversationEnded:
            return

    def _tell(self, message: dict[str, Any]) -> None:
        self._outgoing.send(json.dumps(message).encode(), None)


class ManagerConversation:
    """The manager's end of a conversation with the child that runs `function`."""

    def __init__(self, connection: socket.socket, function: str) -> None:
        self._function = function
        peer = f"The child that runs {function}"
        self._incoming = Frames(connection, FROM_CHILD, peer)
        self._outgoing = Frames(connection, TO_CHILD, peer)

    def send(self, value: Any, deadline: float) -> None:
        """Send anything that can be pickled. Raises as `Frames.send`."""
        self._outgoing.send(pickle.dumps(value, pickle.HIGHEST_PROTOCOL), deadline)

    def await_begin(self, deadline: float) -> None:
        """Return once the function begins. Raises as `receive`."""
        if self._next(deadline) != {"ready": True}:
            raise self._nonsense()

    def receive(self, deadline: float) -> Any:
        """The next value that the function sent.

        Raises ChildTimedOut, ConversationEnded where the function has ended, and ChildError for
        its exception and for anything that is no message.
        """
        message = self._next(deadline)
        if not isinstance(message, dict) or message.keys() != {"value"}:
            raise self._nonsense()
        return message["value"]

    def close(self) -> None:
        """End the conversation; the child sees that."""
        self._incoming.close()

    def _nonsense(self) -> ChildError:
        return ChildError(f"The child that runs {self._function} sent what is no message.")

    def _next(self, deadline: float) -> Any:
        payload = self._incoming.receive(deadline)
        try:
            message = json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise ChildError(
                f"The child that runs {self._function} sent what is no JSON."
            ) from error
        match message:
            case {"failed": str() as sentence, "details": str() as details}:
                raise ChildError(
                    f"{self._function} failed in its child: {one_line(sentence)}", shown(details)
                )
        return message
