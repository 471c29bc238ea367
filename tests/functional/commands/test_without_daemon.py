"""Commands while no daemon runs: they do the work themselves, one at a time."""

import os
import subprocess
from pathlib import Path

from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread

from buildfarm.flow.lockfiles import try_hold
from tests.functional.commands.cases import COMMAND, PACKAGE, CommandTestCase


class TestWithoutDaemon(CommandTestCase):
    async def setUp(self) -> None:
        super().setUp()
        await self.run_command("init")

    async def test_whole_way_to_a_waiting_build(self) -> None:
        """Builder, chroot, archive and package: then a build waits and can say why."""
        await self.run_command(
            *("builder", "add", "bob", "http://127.0.0.1:9", "--processor", "amd64", "--manual")
        )
        (builder,) = await self.told_json("builder", "list")
        self.assertEqual(
            ("bob", True, "DIRTY"), tuple(builder[k] for k in ("name", "manual", "clean_status"))
        )
        await self.run_command(
            "archive", "add", "main", "--suite", "bookworm", "--uploader", "directory"
        )
        tarball = await self.make_chroot()
        await self.run_command("chroot", "set", "debian/bookworm/amd64", tarball)
        dsc = await self.make_source()
        printed = await self.told("submit", dsc, "--archive", "main", "--suite", "bookworm")
        self.assertIn("Build 1: farm-greeting", printed)
        (build,) = await self.told_json("build", "list")
        self.assertEqual("NEEDSBUILD", build["state"])
        self.assertTrue(build["created"].endswith("Z"))
        self.assertIn("bob", await self.told("build", "why", "1"))
        self.assertEqual(
            "Build 1 has no log: it is NEEDSBUILD.", await self.refusal("build", "log", "1")
        )
        self.assertIn(
            "was submitted to main/bookworm already",
            await self.refusal("submit", dsc, "--archive", "main", "--suite", "bookworm"),
        )

    async def make_chroot(self) -> Path:
        """A tarball that looks like a chroot's."""
        tree = self.directory / "chroot-autobuild"
        tree.mkdir()
        tarball = self.directory / "chroot.tar.gz"
        command = ["tar", "-C", self.directory, "-czf", tarball, tree.name]
        await deferToThread(subprocess.run, command, check=True)
        return tarball

    async def make_source(self) -> Path:
        """The source package of the demo's greeting."""
        command = ["dpkg-source", "--build", PACKAGE]
        await deferToThread(
            subprocess.run, command, check=True, cwd=self.directory, capture_output=True
        )
        (dsc,) = self.directory.glob("*.dsc")
        return dsc

    async def test_submitting_what_is_not_there(self) -> None:
        """A missing `.dsc`, and one whose files are missing, are refused in a sentence."""
        sentence = await self.refusal("submit", "none.dsc", "--archive", "m", "--suite", "s")
        self.assertEqual("none.dsc cannot be read: No such file or directory.", sentence)
        dsc = await self.make_source()
        for tarball in self.directory.glob("*.tar.*"):
            tarball.unlink()
        sentence = await self.refusal("submit", dsc, "--archive", "m", "--suite", "s")
        self.assertIn("cannot be read: No such file or directory.", sentence)

    async def test_a_pipe_for_a_file(self) -> None:
        """A pipe that nobody writes to is refused, whatever it stands for; nobody waits for it."""
        os.mkfifo(self.directory / "pipe.dsc")
        for command in (
            ("submit", "pipe.dsc", "--archive", "m", "--suite", "s"),
            ("chroot", "set", "debian/bookworm/amd64", "pipe.dsc"),
            ("--config", "pipe.dsc", "builder", "list"),
        ):
            self.assertIn("it is not a plain file.", await self.refusal(*command))

    async def test_many_at_once(self) -> None:
        """Commands wait for each other: all are done, none is refused."""
        names = [f"b{n}" for n in range(8)]
        await gatherResults(
            [
                deferToThread(
                    subprocess.run,
                    [COMMAND, "builder", "add", name, f"http://{name}", "--processor", "amd64"],
                    env=self.environment,
                    check=True,
                    capture_output=True,
                )
                for name in names
            ]
        )
        self.assertEqual(names, [one["name"] for one in await self.told_json("builder", "list")])

    async def test_unfit_configuration(self) -> None:
        """Every command refuses a configuration that cannot be used, in its words."""
        self.config.write_text("[manager]\n")
        expected = f"{self.config}: manager.state_dir: is missing and has no default."
        for command in ("check-config", "init", "run"):
            self.assertEqual(expected, await self.refusal(command))
        self.assertEqual(expected, await self.refusal("builder", "list"))

    async def test_missing_certificate(self) -> None:
        """check-config says which file of a listener with TLS cannot be used; `run` does, too."""
        key = self.directory / "key.pem"
        self.config.write_text(
            f'[manager]\nstate_dir = "{self.state}"\n'
            f'[web]\nlisten = "ssl:0:interface=127.0.0.1:privateKey={key}"\n'
            '[files]\nlisten = "tcp:0:interface=127.0.0.1"\n'
        )
        missing = f"the private key {key} (privateKey=) cannot be read: No such file or directory"
        self.assertEqual(
            f"{self.config}: web.listen: {missing}.", await self.refusal("check-config")
        )
        self.assertIn(missing, await self.refusal("run"))

    async def test_no_configuration(self) -> None:
        """A configuration that is not there is named."""
        sentence = await self.refusal("--config", "none.toml", "builder", "list")
        self.assertIn("none.toml: cannot be read: No such file or directory.", sentence)

    async def test_interrupted_output(self) -> None:
        """Whoever stops reading gets no traceback; the status tells that not all was said."""
        command = f"{COMMAND} builder list --json | true; exit ${{PIPESTATUS[0]}}"
        ended = await deferToThread(
            subprocess.run,
            ["bash", "-c", command],
            env=self.environment,
            capture_output=True,
            check=False,
        )
        self.assertEqual((1, b""), (ended.returncode, ended.stderr))

    async def test_daemon_waits_for_a_command(self) -> None:
        """A daemon that starts while a command is at work starts when that has ended."""
        lock = try_hold(self.state / "manager.lock")
        assert lock is not None
        process = self.start_daemon()
        self.reactor.callLater(1.0, lock.release)
        await self.wait_until(self.answers, what="a daemon that answers: " + self.log())
        self.assertEqual(0, await self.stop(process))


class TestBeforeInit(CommandTestCase):
    async def test_init_is_named(self) -> None:
        """Without a database every command, and the daemon, says what to do."""
        expected = (
            f"There is no database at {self.state}/buildd-manager.db; "
            "`buildd-manager init` makes one."
        )
        self.assertEqual(expected, await self.refusal("builder", "list"))
        ended = await self.run_command("run", status=1)
        self.assertIn(expected, ended.stderr)
