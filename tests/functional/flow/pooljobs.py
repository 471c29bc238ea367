"""What the children of `test_childpool` do; imported by the fork server, not by the tests."""

import os
import time

from buildfarm.flow.conversation import Conversation
from buildfarm.flow.limits import ResourceLimits


def serve(conversation: Conversation, _: None) -> None:
    """Answer each number with the process id, until there are no more; fail at a negative one."""
    while True:
        number = conversation.receive()
        if number < 0:
            raise ValueError(number)
        conversation.send(os.getpid())


def compute(conversation: Conversation, limits: ResourceLimits) -> None:
    """Compute for ever within limits, after having computed without."""
    while time.process_time() < 0.5:
        pass
    with limits.in_force():
        conversation.send("greedy")
        while True:
            pass


def within(conversation: Conversation, limits: ResourceLimits) -> None:
    """Be greedy within limits, and not after."""
    with limits.in_force():
        try:
            conversation.send(len(bytearray(1 << 30)))
        except MemoryError:
            conversation.send("too much")
    conversation.send(len(bytearray(1 << 20)))
