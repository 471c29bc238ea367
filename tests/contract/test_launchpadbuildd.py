"""The genuine daemon does what the contract says: the contract is no invention."""

from buildfarm.farmtesting import daemoncontract
from buildfarm.farmtesting.launchpadbuildd import LaunchpadBuildd
from tests.contract.sources import contract_sources


class TestLaunchpadBuildd(daemoncontract.DaemonContract):
    """launchpad-buildd 206, with stand-ins for the scripts that build."""

    def setUp(self) -> None:
        super().setUp()
        daemon = self.useFixture(LaunchpadBuildd(self.make_directory()))
        self.talk_to(daemon.url, contract_sources())
