"""Tells the service manager that we are ready, stopping, or still alive.

Layer 2. The protocol is systemd's sd_notify(3): datagrams of `NAME=VALUE` lines to the socket that
NOTIFY_SOCKET names; without that variable every method does nothing, so callers need not ask. With
WATCHDOG_USEC a sign of life goes out from the reactor twice as often as the service manager wants
one, so a reactor that is stuck is restarted. Tests: tests/functional/flow/test_readiness.py.
"""

import os
import socket
from collections.abc import Mapping

from twisted.logger import Logger

from buildfarm.flow.reactors import Clock, Timer


class Readiness:
    """Our side of sd_notify, by the variables in `environment`.

    A socket that cannot be reached is worth a line in the log and no more: the service manager
    then draws its own conclusions.
    """

    log = Logger()

    def __init__(self, reactor: Clock, environment: Mapping[str, str]) -> None:
        self._reactor = reactor
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._watchdog_interval = _watchdog_interval(environment)
        self._watchdog: Timer | None = None

    def ready(self, status: str = "") -> None:
        """We do our work from now on; `status` is one line for people."""
        self._send("READY=1", f"STATUS={status}")
        if self._watchdog_interval and self._watchdog is None:
            self._sign_of_life()

    def status(self, status: str) -> None:
        """What we are doing, in one line for `systemctl status`."""
        self._send(f"STATUS={status}")

    def reloading(self) -> None:
        """The configuration is read again; `ready` is said when that is done."""
        self._send("RELOADING=1")

    def stopping(self) -> None:
        """We stop in order; no more signs of life follow."""
        self._send("STOPPING=1")
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _sign_of_life(self) -> None:
        self._send("WATCHDOG=1")
        self._watchdog = self._reactor.callLater(self._watchdog_interval, self._sign_of_life)

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):
            address = f"\0{address[1:]}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            try:
                sender.sendto("\n".join(lines).encode(), address)
            except OSError as error:
                self.log.warn(
                    "the service manager at {address} was not told {lines}: {error}",
                    address=self._address,
                    lines=lines,
                    error=error.strerror,
                )


def _watchdog_interval(environment: Mapping[str, str]) -> float:
    """Seconds between signs of life, half of what is asked for; 0 if none are wanted of us."""
    wanted = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID") not in (None, str(os.getpid())) or not wanted.isdecimal():
        return 0.0
    return int(wanted) / 1_000_000 / 2
