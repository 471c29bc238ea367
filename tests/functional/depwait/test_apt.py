"""A package that needs another of the same farm, with a real archive and a real apt.

The builder installs what is needed as builders do: where apt cannot, the build ends with DEPFAIL.
"""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.farm import Farm, built_in
from buildfarm.storage import archives, depwaits
from buildfarm.uploads.creation import create_archive
from buildfarm.vocab.states import BuildOutcome, BuildState, UploaderKind
from tests.functional.uploads.apt import CONFIGURATION

_NEEDED = "libfoo (>= 1.0)"


class AptTests(FarmTestCase):
    timeout = 60.0

    async def setUp(self) -> None:
        super().setUp()
        self.farm = await Farm.make(self)
        path = self.farm.root / "apt-archive"
        described = replace(
            self.farm.archive, name="real", uploader=UploaderKind.REPREPRO, path=str(path)
        )
        self.farm.settings.locks_dir.mkdir(exist_ok=True)
        create_archive(described, self.farm.settings.locks_dir)
        await self.farm.write(archives.add_archive, described, "test", utc_now())
        self.apt = self.make_apt(path / "public")

    def make_apt(self, public: Path) -> Path:
        """An apt of the test's own that reads this archive; its directory."""
        apt = self.make_directory()
        for name in ("trusted", "state/lists/partial", "cache/archives/partial"):
            (apt / name).mkdir(parents=True)
        (apt / "status").touch()
        lines = f'Dir::State "{apt}/state";\nDir::Cache "{apt}/cache";\n'
        (apt / "apt.conf").write_text(CONFIGURATION.format(apt=apt) + lines)
        (apt / "sources.list").write_text(f"deb [trusted=yes] file:{public} bookworm main\n")
        return apt

    def can_install(self, package: str) -> bool:
        """Whether apt would install a package now."""
        env = {**os.environ, "APT_CONFIG": str(self.apt / "apt.conf"), "LC_ALL": "C"}
        for arguments in (("-q", "update"), ("-q", "--simulate", "install", package)):
            done = subprocess.run(
                ("apt-get", *arguments), cwd=self.apt, env=env, capture_output=True, check=False
            )
        return done.returncode == 0

    def script(self, order: Order) -> Script:
        """A build of `hello` needs libfoo, which `libfoo` makes."""
        is_hello = any(name.startswith("hello_") for name in order.filemap)
        if is_hello and not self.can_install("libfoo"):
            return Script(seconds=0.1, outcome=BuildOutcome.DEPFAIL, dependencies=_NEEDED)
        return built_in(0.1)(order)

    async def test_tried_again(self) -> None:
        """It fails first, and is built by itself once the farm has published what it needs."""
        await self.farm.add_builder(self.farm.daemon(self.script))
        await self.farm.start()
        hello = await self.farm.submit("hello", archive="real")
        failed = await self.farm.wait_for_build(hello, BuildState.MANUALDEPWAIT)
        self.assertEqual(_NEEDED, failed.dependencies)
        told = await self.farm.ask("build.why", {"build_id": hello})
        self.assertIn("it is retried by itself", told["summary"][1])
        libfoo = await self.farm.submit("libfoo", archive="real")
        await self.farm.wait_until_built([libfoo, hello])
        [(_, check)] = [
            (time, one)
            for time, one in await self.farm.read(depwaits.checks_of, hello)
            if one.found
        ]
        self.assertEqual("There by now: libfoo 1.0.", check.finding)
        [(place, _)] = check.looked_at
        self.assertIn("/apt-archive/public/dists/bookworm/main/binary-amd64/Packages", place)
        shown = await self.farm.ask("build.show", {"build_id": hello})
        self.assertIn("dep-wait", [event["actor"] for event in shown["events"]])
        self.assertTrue(self.can_install("hello"))
