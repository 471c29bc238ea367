"""The peer of `scan`: loops of `twisted.web.xmlrpc.Proxy` calls with no logic at all.

`python -m bench.peers.proxies SECONDS INTERVAL < URLS` asks every builder for its `status` each
INTERVAL seconds; with an interval of 0, builder after builder, a few at once, without a pause. It
prints what it did as JSON.
"""

import json
import resource
import sys
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.web.xmlrpc import Proxy

reactor: Any = installed

#: How many are asked at once where there is no pause.
_AT_ONCE = 50


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def ask_each(proxy: Proxy, delay: float, interval: float, until: float) -> int:
    """Ask one builder after `delay`, and then each `interval`; how often it was asked."""
    count = 0
    await deferLater(reactor, delay)
    while reactor.seconds() < until:
        await proxy.callRemote("status")
        count += 1
        await deferLater(reactor, interval)
    return count


async def ask_in_turn(turn: Iterator[Proxy], until: float) -> int:
    """Ask whoever is next, without a pause; how often that was."""
    count = 0
    while reactor.seconds() < until:
        await next(turn).callRemote("status")
        count += 1
    return count


async def measure(urls: list[str], seconds: float, interval: float) -> None:
    proxies = [Proxy(f"{url}/rpc".encode()) for url in urls]
    before, until = cpu_seconds(), reactor.seconds() + seconds
    if interval:
        step = interval / len(proxies)
        loops = [
            ask_each(proxy, number * step, interval, until) for number, proxy in enumerate(proxies)
        ]
    else:
        turn = cycle(proxies)
        loops = [ask_in_turn(turn, until) for _ in range(_AT_ONCE)]
    counts = await gatherResults(map(Deferred.fromCoroutine, loops), consumeErrors=True)
    print(json.dumps({"scans": sum(counts), "cpu_seconds": cpu_seconds() - before}))


def main() -> None:
    seconds, interval = map(float, sys.argv[1:])
    measuring = Deferred.fromCoroutine(measure(json.load(sys.stdin), seconds, interval))
    measuring.addErrback(lambda failure: failure.printTraceback())
    measuring.addBoth(lambda _: reactor.stop())
    reactor.run()


if __name__ == "__main__":
    main()
