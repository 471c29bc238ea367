"""`buildd-refbuilder`, as it is typed."""

import subprocess
import sys
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.refbuilders import RefBuilders

_COMMAND = str(Path(sys.executable).with_name("buildd-refbuilder"))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [_COMMAND, *arguments], check=False, capture_output=True, text=True, timeout=30
    )


class TestCommand(FarmTestCase):
    def test_help(self) -> None:
        """Its help says whom it may build for."""
        told = run("--help")
        self.assertEqual(0, told.returncode)
        self.assertIn("trusted sources only", " ".join(told.stdout.split()))

    def test_usage(self) -> None:
        """Without its options it is used wrongly: exit status 2."""
        self.assertEqual(2, run("--name", "bob").returncode)

    def test_directory_in_use(self) -> None:
        """A directory belongs to one builder: the second one says so and exits with 1."""
        (builder,) = self.useFixture(RefBuilders(self.make_directory())).builders
        options = ["--name", "bob", "--listen", "tcp:0:interface=127.0.0.1"]
        told = run(*options, "--workdir", str(builder.workdir))
        self.assertEqual(1, told.returncode)
        self.assertIn(f"runs already, as process {builder.pid}", told.stderr)

    def test_port_in_use(self) -> None:
        """Where it cannot listen, it says so and exits with 1."""
        (builder,) = self.useFixture(RefBuilders(self.make_directory())).builders
        port = builder.url.rpartition(":")[2]
        options = ["--name", "bob", "--listen", f"tcp:{port}:interface=127.0.0.1"]
        told = run(*options, "--workdir", str(self.make_directory()))
        self.assertEqual(1, told.returncode)
        self.assertIn(f"Couldn't listen on 127.0.0.1:{port}", told.stderr)
