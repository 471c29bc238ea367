"""`submit-source`: packages in, and what becomes of them."""

import shutil
from pathlib import Path

from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.farm import a_build
from buildfarm.vocab.states import BuildOutcome
from tests.functional.commands.cases import PACKAGE
from tests.functional.scripts.cases import ScriptTestCase
from tests.functional.webservice.test_submit import package

#: Into which archive and suite all of them go.
TARGET = ("--archive", "main", "--suite", "bookworm")


class SubmitSourceTests(ScriptTestCase):
    script = "submit-source"

    def make_package(self, version: str = "1.0", size: int = 1000) -> Path:
        """The `.dsc` of a source package in a directory of its own."""
        directory = self.make_directory()
        for name, content in package(version, size).items():
            (directory / name).write_bytes(content)
        return directory / f"hello_{version}.dsc"

    async def test_submitted(self) -> None:
        """A package by its .dsc, and by the directory that holds it; a second time is refused."""
        await self.log_in("ann")
        dsc = self.make_package(size=3_000_000)
        told = await self.told(dsc, *TARGET)
        self.assertEqual("Build 1: hello 1.0 amd64 in main/bookworm\n", told)
        self.assertIn("1.0", await self.refusal(dsc, *TARGET))
        newer = self.make_package("1.1").parent
        [build] = await self.told_json(newer, *TARGET, "--arch", "amd64", "--score", "77")
        self.assertEqual(
            (2, "Needs building", 77), (build["id"], build["buildstate"], build["score"])
        )

    async def test_tree(self) -> None:
        """A source tree is packed in a temporary place, and nothing is left beside it."""
        await self.log_in("ann")
        tree = self.make_directory() / "farm-greeting"
        shutil.copytree(PACKAGE, tree)
        told = await self.told(tree, *TARGET)
        self.assertIn("farm-greeting", told)
        self.assertEqual([tree], list(tree.parent.iterdir()))
        (tree / "debian" / "source" / "format").write_text("9.9 (unknown)")
        self.assertIn("dpkg-source cannot pack", await self.refusal(tree, *TARGET))

    async def test_followed(self) -> None:
        """--wait shows the log to its end, and ends by what became of the build."""
        await self.log_in("ann")

        def script(order: Order) -> Script:
            if "hello_1.0.dsc" in order.filemap:
                return Script(seconds=0.1, outcome=BuildOutcome.PACKAGEFAIL)
            return a_build(0.1, "hello", "1.1")

        await self.farm.add_builder(self.farm.daemon(script))
        ended = await self.run_script(self.make_package(), *TARGET, "--wait", status=1)
        self.assertIn("Failed to build", ended.stderr)
        ended = await self.run_script(self.make_package("1.1"), *TARGET, "--wait")
        self.assertIn("Successfully built", ended.stderr)
        self.assertIn("went as its script says", ended.stdout)

    async def test_given_up(self) -> None:
        """Who waits no longer is told what the build is in; the build goes on waiting."""
        await self.log_in("ann")
        waiting = (self.make_package(), *TARGET, "--wait", "--give-up-after", "1s")
        ended = await self.run_script(*waiting, status=1)
        self.assertIn("Build 1 has not ended in time: Needs building.", ended.stderr)

    async def test_progress(self) -> None:
        """On a terminal a bar is drawn while the files go."""
        await self.log_in("ann")
        shown = await self.on_terminal(self.make_package(size=3_000_000), *TARGET)
        self.assertIn("Sending hello_1.0.dsc", shown)
        self.assertIn("Build 1: hello 1.0", shown)

    async def test_refused(self) -> None:
        """What is no package, what misses a file, no such archive, and who may not."""
        dsc = self.make_package()
        self.assertIn("No credentials were named", await self.refusal(dsc, *TARGET))
        await self.log_in("bert")
        for some in (dsc, self.make_package("2.0", size=20_000_000)):
            self.assertIn("bert may not", await self.refusal(some, *TARGET))
        await self.log_in("ann")
        nowhere = ("--archive", "none", "--suite", "bookworm")
        self.assertIn("There is no archive none", await self.refusal(dsc, *nowhere))
        self.assertIn("holds neither", await self.refusal(self.make_directory(), *TARGET))
        (dsc.parent / "hello_1.0.diff.gz").unlink()
        self.assertIn("hello_1.0.diff.gz", await self.refusal(dsc, *TARGET))
        self.assertIn("does not exist", await self.usage("nothing.dsc", *TARGET))
        self.assertIn("--archive", await self.usage(dsc))
