"""Tools that nobody here wrote, from Debian's packages and unedited, against a farm that builds."""

import re
import sys
from dataclasses import replace
from pathlib import Path

from testtools.matchers import Contains, StartsWith

from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.configfile import as_toml
from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.farm import CHROOT_SHA1, built_in
from buildfarm.storage import chroots, queue, roster
from buildfarm.vocab.archive import ChrootSnapshot
from buildfarm.vocab.states import BuildOutcome, BuildState
from tests.functional.webservice.cases import WebServiceTestCase

PAGE = Path(__file__).parents[3] / "docs" / "tools.md"


class LpShellTests(WebServiceTestCase):
    async def token_file(self, person: str) -> str:
        """A file that `buildd-manager token create` has made."""
        directory = self.make_directory()
        config, made = directory / "farm.toml", directory / "credentials"
        config.write_text(as_toml(self.farm.settings))
        arguments = f"token create --person {person} --level administer --credentials-file {made}"
        command = (sys.executable, "-m", "buildfarm.commands.main", "--config", str(config))
        consumer = ("--consumer", "System-wide: build host")
        await self.run_program(*command, *arguments.split(), *consumer)
        return str(made)

    async def shell(self, *arguments: str, **environment: str) -> str:
        """What lp-shell prints."""
        return await self.run_program(
            "/usr/bin/lp-shell", *arguments, self.root, "devel", **environment
        )

    async def test_looking(self) -> None:
        """Without credentials it lists the builders, in every version that it can ask for."""
        for name in ("alpha", "bravo"):
            await self.farm.add_builder(self.farm.daemon(), name)
        for version in ("devel", "1.0", "beta"):
            code = "print([one.name for one in lp.builders])"
            shown = await self.run_program(
                "/usr/bin/lp-shell", "-a", "-c", code, self.root, version
            )
            self.assertEqual("['alpha', 'bravo']\n", shown)

    async def test_one_disabled_and_enabled(self) -> None:
        """As somebody who may, it takes a builder out, and puts it in again; builds wait for it."""
        await self.farm.add_builder(self.farm.daemon(), "alpha")
        credentials = await self.token_file("ann")
        steps = (
            "a = lp.builders.getByName(name='alpha'); a.builderok = {}; "
            "a.failnotes = {}; a.lp_save(); print(a.builderok, a.failnotes, lp.me.name)"
        )
        out = steps.format(False, "'its disk is broken'")
        shown = await self.shell("-c", out, LP_CREDENTIALS_FILE=credentials)
        self.assertEqual("False its disk is broken ann\n", shown)
        build_id = await self.farm.submit()
        self.assertFalse((await self.farm.builder("alpha")).builderok)
        shown = await self.shell("-c", steps.format(True, None), LP_CREDENTIALS_FILE=credentials)
        self.assertEqual("True None ann\n", shown)
        await self.farm.wait_until_built([build_id])

    async def test_typed(self) -> None:
        """What a person types at its prompt is answered there."""
        await self.farm.add_builder(self.farm.daemon(), "alpha")
        typed = "printf '%s\\n' 'lp.builders[0].name' | lp-shell -a --python \"$0\" devel"
        shown = await self.run_program("/bin/sh", "-c", typed, self.root)
        self.assertThat(shown, Contains("'alpha'"))


class UbuntuBuildTests(WebServiceTestCase):
    """A farm of the distribution `ubuntu`, on whose one builder what is called `broken` fails."""

    async def setUp(self) -> None:
        await super().setUp()
        suites = "jammy", "jammy-proposed"
        await self.farm.add_archive("primary", distribution="ubuntu", suites=suites)
        chroot = ChrootSnapshot(
            "ubuntu", "jammy", "amd64", chroots.TARBALL, 100, CHROOT_SHA1, "c" * 64
        )
        await self.farm.write(chroots.set_chroot, chroot, "test", utc_now())
        self.is_mended = False
        await self.farm.add_builder(self.farm.daemon(self.what_becomes), "alpha")
        self.credentials_file = await self.credentials("ann")

    def what_becomes(self, order: Order) -> Script:
        """Of a build."""
        script = built_in(0.1)(order)
        is_broken = any(name.startswith("broken") for name in order.filemap)
        if is_broken and not self.is_mended:
            return replace(script, outcome=BuildOutcome.PACKAGEFAIL, results={})
        return script

    async def ubuntu(self, source: str, suite: str = "jammy") -> int:
        """Submit a package; its build."""
        return await self.farm.submit(source, archive="primary", suite=suite)

    async def tool(self, *arguments: str, credentials: str = "") -> list[str]:
        """The lines that ubuntu-build prints."""
        directory = self.make_directory()
        [pointing] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
        (directory / "sitecustomize.py").write_text(pointing)
        result = await self.run_command(
            "/usr/bin/ubuntu-build",
            *arguments,
            FARM_URL=self.root,
            PYTHONPATH=str(directory),
            LP_CREDENTIALS_FILE=credentials or self.credentials_file,
        )
        return result.output.splitlines()

    async def out_of_use(self, builderok: bool = False) -> None:
        """Have the builder take nothing, or take builds again."""
        changes = {"builderok": builderok, "failnotes": None}
        await self.farm.write(roster.change_builder, "alpha", changes, "test", utc_now())

    async def score(self, build_id: int) -> int:
        """The score of a build that waits."""
        entry = await self.farm.read(queue.queue_entry, build_id)
        assert entry is not None
        return entry.score

    async def test_status(self) -> None:
        """It says in which state the builds of a package are, and which version that is."""
        built = await self.ubuntu("hello")
        await self.farm.wait_until_built([built])
        self.assertEqual(
            [
                "The source version for 'hello' in Jammy (main) is at 1.0.",
                "Current build status for this package:",
                "amd64: Successfully built.",
            ],
            await self.tool("hello", "jammy", "status"),
        )
        for arguments, sentence in (
            (("sed", "jammy", "status"), "The source package 'sed' does not exist"),
            (("hello", "noble", "status"), "Release 'noble' is unknown in 'Ubuntu'"),
            (("hello", "jammy-proposed", "status"), "The source package 'hello' does not exist"),
        ):
            [line] = await self.tool(*arguments)
            self.assertThat(line, StartsWith(sentence))

    async def test_retry(self) -> None:
        """A build that failed is tried again, by who may upload, and is built then."""
        broken = await self.ubuntu("broken")
        await self.farm.wait_for_build(broken, BuildState.FAILEDTOBUILD)
        self.is_mended = True
        [refused] = await self.tool(
            "broken", "jammy", "retry", credentials=await self.credentials("bert")
        )
        self.assertThat(refused, StartsWith("You cannot perform the retry operation"))
        self.assertEqual(
            ["amd64: Failed to build.", "Retrying build on amd64..."],
            (await self.tool("broken", "jammy", "retry"))[-2:],
        )
        await self.farm.wait_until_built([broken])
        self.assertEqual(2, len(await self.farm.attempts(broken)))
        self.assertEqual(
            ["amd64: Successfully built.", "Cannot retry build on amd64."],
            (await self.tool("broken", "jammy", "retry"))[-2:],
        )

    async def test_rescore(self) -> None:
        """A build that waits gets the tool's score, from members of launchpad-buildd-admins."""
        await self.out_of_use()
        waiting = await self.ubuntu("hello", "jammy-proposed")
        arguments = ("hello", "jammy-proposed", "rescore")
        [refused] = await self.tool(*arguments, credentials=await self.credentials("bert"))
        self.assertThat(refused, StartsWith("You cannot perform the rescore operation"))
        self.assertEqual(
            ["amd64: Needs building.", "Rescoring build amd64 to 5000..."],
            (await self.tool(*arguments))[-2:],
        )
        self.assertEqual(5000, await self.score(waiting))
        await self.out_of_use(builderok=True)
        await self.farm.wait_until_built([waiting])

    async def test_batch(self) -> None:
        """Several packages at once are rescored and retried; what is not there is told."""
        broken = await self.ubuntu("broken")
        await self.farm.wait_for_build(broken, BuildState.FAILEDTOBUILD)
        await self.out_of_use()
        hello, proposed = await self.ubuntu("hello"), await self.ubuntu("sed", "jammy-proposed")
        self.is_mended = True
        options = ("--batch", "--retry", "--rescore", "77")
        shown = await self.tool(*options, "--series", "jammy", "hello", "broken", "none")
        for sentence in (
            "The source version for 'hello' in 'jammy' (Release) is: 1.0",
            "Build state(s) for 'hello':",
            "  amd64: Needs building",
            "Retrying builds of 'broken':",
            "  amd64: done",
        ):
            self.assertThat([line.rstrip() for line in shown], Contains(sentence), shown)
        self.assertEqual((77, 77), (await self.score(hello), await self.score(broken)))
        await self.tool(*options, "sed")
        self.assertEqual(77, await self.score(proposed))
        await self.out_of_use(builderok=True)
        await self.farm.wait_until_built([broken, hello, proposed])
