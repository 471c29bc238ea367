"""What the children of `test_childpool` do; imported by the fork server, not by the tests."""

import os

from buildfarm.flow.conversation import Conversation


def serve(conversation: Conversation, _: None) -> None:
    """Answer each number with the process id, until there are no more; fail at a negative one."""
    while True:
        number = conversation.receive()
        if number < 0:
            raise ValueError(number)
        conversation.send(os.getpid())
