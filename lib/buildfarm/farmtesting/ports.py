"""Ports that must be known before anything listens there.

Beside the layers. What can be asked for its port binds port 0 itself and needs none of this.
"""

import random
import socket

#: Below the ports that the kernel gives to connections (from 32768 on, see ip(7)): one of those
#: could take the place of a listener that is started anew.
_PORTS = range(10_240, 32_768)

_TRIES = 100


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listened a moment ago. Raises OSError without any."""
    for _ in range(_TRIES):
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"Of {_TRIES} ports of 127.0.0.1 none was free.")
