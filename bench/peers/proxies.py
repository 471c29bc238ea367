"""The peer of `scan`: a loop of `twisted.web.xmlrpc.Proxy` calls with no logic at all.

`python -m bench.peers.proxies SECONDS < URLS` asks builder after builder for its `status`, a few
at once, for as long, and prints what it did as JSON.
"""

import json
import resource
import sys
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred, gatherResults
from twisted.web.xmlrpc import Proxy

reactor: Any = installed

#: How many are asked at once.
_AT_ONCE = 50


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def ask_in_turn(turn: Iterator[Proxy], until: float) -> int:
    count = 0
    while reactor.seconds() < until:
        await next(turn).callRemote("status")
        count += 1
    return count


async def measure(urls: list[str], seconds: float) -> None:
    interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0
    proxies = [Proxy(f"{url}/rpc".encode()) for url in urls]
    if interval:
        from twisted.internet.task import deferLater

        async def one(proxy, i):
            await deferLater(reactor, interval * i / len(proxies))
            n = 0
            while reactor.seconds() < until:
                await proxy.callRemote("status")
                n += 1
                await deferLater(reactor, interval)
            return n

        before, until = cpu_seconds(), reactor.seconds() + seconds
        counts = await gatherResults(
            [Deferred.fromCoroutine(one(p, i)) for i, p in enumerate(proxies)]
        )
        print(json.dumps({"scans": sum(counts), "cpu_seconds": cpu_seconds() - before}))
        return
    turn = cycle(proxies)
    before, until = cpu_seconds(), reactor.seconds() + seconds
    loops = [Deferred.fromCoroutine(ask_in_turn(turn, until)) for _ in range(_AT_ONCE)]
    counts = await gatherResults(loops, consumeErrors=True)
    print(json.dumps({"scans": sum(counts), "cpu_seconds": cpu_seconds() - before}))


def main() -> None:
    measuring = Deferred.fromCoroutine(measure(json.load(sys.stdin), float(sys.argv[1])))
    measuring.addErrback(lambda failure: failure.printTraceback())
    measuring.addBoth(lambda _: reactor.stop())
    reactor.run()


if __name__ == "__main__":
    main()
