"""The reference builder is a build daemon as the manager expects it."""

from buildfarm.farmtesting import daemoncontract
from buildfarm.farmtesting.refbuilders import RefBuilders
from tests.contract.sources import contract_sources


class TestRefBuilder(daemoncontract.DaemonContract):
    """`buildd-refbuilder`, as a process."""

    def setUp(self) -> None:
        super().setUp()
        (builder,) = self.useFixture(RefBuilders(self.make_directory())).builders
        self.talk_to(builder.url, contract_sources())
