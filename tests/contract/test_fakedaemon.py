"""The fake daemon has not drifted from the genuine one."""

from urllib import request
from urllib.error import URLError

from twisted.internet.defer import ensureDeferred

from buildfarm.farmtesting import daemoncontract
from buildfarm.farmtesting.daemoncase import sha1_of
from buildfarm.farmtesting.daemonscript import FetchFailed, Order, Script
from buildfarm.farmtesting.fakedaemon import FakeDaemon
from buildfarm.farmtesting.packages import changes, deb
from buildfarm.farmtesting.simulatedbuilder import SimulatedBuilder
from buildfarm.flow.threads import Workers
from buildfarm.vocab.states import BuildOutcome
from tests.contract.sources import contract_sources

_LOG = b"".join(b"line %d of a log that has no end\n" % number for number in range(100_000))


class TestFakeDaemon(daemoncontract.DaemonContract):
    """`FakeDaemon` behind a socket of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.fetching = Workers(self.reactor, size=1, bound=10, name="fetching")
        self.addCleanup(lambda: ensureDeferred(self.fetching.stop(10)))
        builder = SimulatedBuilder(FakeDaemon(self.reactor, script_of, fetch=self.fetch_input))
        self.talk_to(builder.listen(self.reactor), contract_sources())
        self.addCleanup(builder.stop)

    async def fetch_input(self, url: str, user: str, password: str) -> bytes:
        """What the genuine daemon would download, and its words where it cannot."""
        return await self.fetching.run(download, url, user, password)


def script_of(order: Order) -> Script:
    """What becomes of each of the contract's sources."""
    if order.chroot != sha1_of(contract_sources().chroot):
        return Script(BuildOutcome.CHROOTFAIL, seconds=0.1)
    (dsc,) = (name for name in order.filemap if name.endswith(".dsc"))
    match dsc.partition("_")[0]:
        case "farm-broken":
            return Script(BuildOutcome.PACKAGEFAIL, seconds=0.1)
        case "farm-depwait":
            missing = "libfarm-not-packaged-dev (>= 2.0)"
            return Script(BuildOutcome.DEPFAIL, seconds=0.1, dependencies=missing)
        case "farm-endless":
            return Script(seconds=300.0, log=_LOG, abort_seconds=0.1)
    files = {"farm-greeting_1.0_all.deb": deb("farm-greeting", architecture="all")}
    statement = changes(files, Source="farm-greeting", Distribution=str(order.args["suite"]))
    return Script(seconds=0.1, results={**files, "farm-greeting_1.0_amd64.changes": statement})


def download(url: str, user: str, password: str) -> bytes:
    """Fetch `url` in a thread, as the genuine daemon does it."""
    passwords = request.HTTPPasswordMgrWithDefaultRealm()
    if user:
        passwords.add_password(None, url, user, password)
    try:
        with request.build_opener(request.HTTPBasicAuthHandler(passwords)).open(url) as answer:
            content: bytes = answer.read()
            return content
    except (URLError, ValueError) as error:
        raise FetchFailed(str(error)) from error
