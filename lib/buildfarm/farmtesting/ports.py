"""Ports that must be known before anything listens there.

Beside the layers. What can be asked for its port binds port 0 itself and needs none of this.
"""

import socket


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listened a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
