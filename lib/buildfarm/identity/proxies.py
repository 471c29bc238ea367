"""Which peers are reverse proxies of ours, whose `X-Forwarded-*` headers are believed.

Layer 4. Tests: tests/unit/identity/test_proxies.py.
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv6Address,
    ip_address,
    ip_network,
)

#: Stands for whoever connects through a listener of the kind `unix:`.
UNIX = "unix"


class Proxies:
    """The proxies that `named` tells: addresses, networks such as `10.0.0.0/8`, or `unix`."""

    def __init__(self, named: Iterable[str]) -> None:
        every = frozenset(named)
        self._has_unix = UNIX in every
        self._networks = tuple(ip_network(one) for one in sorted(every - {UNIX}))

    def __contains__(self, peer: object) -> bool:
        """Whether `peer` is one: an address as text, empty for a socket of this machine."""
        if peer == "":
            return self._has_unix
        if not self._networks:
            return False
        try:
            address = _plain(ip_address(str(peer)))
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def proxy_fault(named: str) -> str | None:
    """What is wrong with `named` as a proxy; None where nothing is."""
    if named == UNIX:
        return None
    try:
        network = ip_network(named)
    except ValueError:
        return "is neither an address, nor a network such as 10.0.0.0/8, nor unix"
    return None if network.prefixlen else "would have everybody's headers believed"


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """`address`, of IPv4 where a listener for both kinds gives it as one of IPv6."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped
