"""A farm under load loses its database and goes on with a backup: nothing is published twice."""

import re
import shlex
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from debian.deb822 import Deb822

from buildfarm.farmtesting.daemonscript import Order, Script
from buildfarm.farmtesting.packages import changes, deb
from buildfarm.farmtesting.postgres import fresh_database
from buildfarm.farmtesting.processes import Process
from buildfarm.farmtesting.promises import assert_sound, broken
from buildfarm.farmtesting.restartfarm import ARCHIVES
from buildfarm.filestore.store import FileStore
from buildfarm.storage import builds, epochs, naming, roster
from buildfarm.vocab.build import BuildSnapshot
from buildfarm.vocab.cookie import Cookie
from buildfarm.vocab.states import BuildState, UploaderKind
from tests.functional.restarts.killing import RestartTestCase

#: Builds of each archive of each kind, and how many of all must be published before each step.
PER_ARCHIVE = 5
BEFORE_BACKUP = 6
AFTER_BACKUP = 8

_OTHER_CONTENTS = re.compile(r"already, (by the upload \S+, )?with other contents")


class RestoreTestCase(RestartTestCase):
    """Packages named `same…` come out alike each time they are built; all others do not."""

    sources: list[str]

    async def setUp(self) -> None:
        await super().setUp()
        self.farm.building = self.building  # type: ignore[method-assign]
        self.backup = self.farm.root / "backup.db"

    def building(self, seconds: float) -> Callable[[Order], Script]:
        """Builds that take so long."""

        def script(order: Order) -> Script:
            dsc = next(name for name in order.filemap if name.endswith(".dsc"))
            source = dsc.partition("_")[0]
            content = b"alike" if source.startswith("same") else order.build_id.encode()
            name = f"{source}_1.0_amd64"
            path = f"./usr/share/{source}/content"
            files = {f"{name}.deb": deb(source, "1.0", files={path: content})}
            stated = changes(files, Source=source, Version="1.0", Binary=source)
            self.farm.made[order.build_id] = {**files, f"{name}.changes": stated}
            return Script(seconds=seconds, results=self.farm.made[order.build_id])

        return script

    async def command(self, *arguments: object) -> str:
        """What a command says, which must succeed."""
        output = self.farm.root / "said"
        command = self.farm.command(*map(str, arguments))
        process = Process.start(self.reactor, command, output, cwd=self.farm.root)
        status = await process.when_ended()
        said = output.read_text()
        self.assertEqual(0, status, f"{arguments}: {said}")
        output.unlink()
        return said

    async def published(self) -> list[BuildSnapshot]:
        """The builds that are FULLYBUILT by the database."""
        return list(await self.farm.read(builds.builds, [BuildState.FULLYBUILT]))

    async def wait_until_published(self, count: int) -> None:
        """Return when so many builds are."""

        async def enough() -> bool:
            return len(await self.published()) >= count

        await self.wait_until(enough, 60.0, self.farm.story)

    async def wait_until_ended(self) -> tuple[BuildSnapshot, ...]:
        """Every build, when each is published or refused."""
        ends = {BuildState.FULLYBUILT, BuildState.FAILEDTOUPLOAD}

        left: list[str] = []

        async def ended() -> tuple[BuildSnapshot, ...]:
            found = await self.farm.read(builds.builds)
            left[:] = [f"{one.title}: {one.state.value}" for one in found if one.state not in ends]
            return () if left else found

        def what() -> str:
            return "\n".join(["every build to end, but", *left, self.farm.story()])

        found: tuple[BuildSnapshot, ...] = await self.wait_until(ended, 60.0, what)
        return found

    # What must hold afterwards.

    def uploads(self, archive: str) -> list[Path]:
        """All that ever appeared in the `incoming` of a directory archive."""
        root = self.farm.root / archive
        taken = self.reader.taken.iterdir() if archive == "main" else ()
        return [*(root / "incoming").iterdir(), *taken]

    def assert_nothing_twice(self) -> None:
        """Each package is in its archive once, as one of its builds made it."""
        for name in ARCHIVES[UploaderKind.DIRECTORY]:
            sources: Counter[str] = Counter()
            for upload in self.uploads(name):
                contents = {path.name: path.read_bytes() for path in upload.iterdir()}
                self.assertEqual(self.farm.made[upload.name], contents)
                sources.update({min(contents).partition("_")[0]})
            self.assertEqual(dict.fromkeys(self.sources, 1), dict(sources), f"{name} has these")
        for name in ARCHIVES[UploaderKind.REPREPRO]:
            root = self.farm.root / name
            assert_sound(self, root)
            index = root / "public/dists/bookworm/main/binary-amd64/Packages"
            listed = [stanza["Package"] for stanza in Deb822.iter_paragraphs(index.read_text())]
            self.assertEqual(sorted(self.sources), sorted(listed))
            self.assertEqual(len(listed), len([*(root / "public/pool").rglob("*.deb")]))

    async def assert_ended_well(self, found: tuple[BuildSnapshot, ...]) -> None:
        """What was not published with this database is in the archive since before, or refused."""
        for build in found:
            if build.state is BuildState.FAILEDTOUPLOAD:
                self.assertFalse(build.source.startswith("same"), build.title)
                self.assertRegex(build.reason or "", _OTHER_CONTENTS)
        self.assertEqual([], broken(await self.story(found)))
        for builder in await self.farm.read(roster.builders):
            self.assertEqual((True, 0), (builder.builderok, builder.failure_count), builder.name)

    async def assert_new_cookies(self, begun_before: int) -> None:
        """No cookie was given out twice, and all since the restore name the new database."""
        orders = [order.build_id for one in self.farm.daemons.values() for order in one.orders]
        self.assertEqual(len(orders), len(set(orders)))
        epoch = await self.farm.read(epochs.current_epoch)
        ids = [cookie.database_id for cookie in map(Cookie.parse, orders) if cookie is not None]
        self.assertEqual(len(orders) - begun_before, ids.count(epoch.database_id))

    def begun(self) -> int:
        """How many builds were begun by builders so far."""
        return sum(len(one.orders) for one in self.farm.daemons.values())


class DocumentedTests(RestoreTestCase):
    """What docs/operations.md says is done literally, but for the places."""

    def lines_with(self, word: str) -> str:
        """The block of commands in the chapter on backups that has this word."""
        text = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
        chapter = text.partition("## Backup, restore, upgrade")[2].partition("\n## ")[0]
        blocks = re.findall(r"(?:^    .*\n)+", chapter, re.MULTILINE)
        [block] = [one for one in blocks if word in one]
        return block

    async def shell(self, script: str) -> None:
        """Run lines of a shell, with our places and our command in them."""
        command = shlex.join(self.farm.command())
        for theirs, ours in (
            ("/var/lib/buildd-manager", str(self.farm.settings.manager.state_dir)),
            ("buildd-manager ", f"{command} "),
            ("/srv/backups/$(date +%F)", str(self.farm.root / "day")),
        ):
            script = script.replace(theirs, ours)
        output = self.farm.root / "said"
        arguments = ["sh", "-e", "-c", script]
        process = Process.start(self.reactor, arguments, output, cwd=self.farm.root)
        self.assertEqual(0, await process.when_ended(), output.read_text())

    async def test_the_whole_farm_on_another_disk(self) -> None:
        """Database, files and spool are taken while it builds; the machine is lost; all goes on."""
        await self.farm.add_builders(2, seconds=0.3)
        self.sources = [f"same{number}" for number in range(4)]
        for names in ARCHIVES.values():
            for name in names:
                for source in self.sources:
                    await self.farm.submit_into(name, source)
        manager = self.farm.start_manager()
        await self.wait_until_published(3)
        await self.shell(self.lines_with("backup "))
        await self.wait_until_published(6)
        await self.farm.kill(manager)
        state = self.farm.settings.manager.state_dir
        await self.farm.close_database()
        state.rename(self.farm.root / "lost")
        (state / "spool").mkdir(parents=True)
        day = f"day={self.farm.root / 'day'}\n"
        await self.shell(day + self.lines_with("restore "))
        self.farm.open_database()
        logs = await self.farm.read(naming.named_by_builds, 0)
        store = FileStore(self.farm.settings.store_dir)
        self.assertEqual([], [one for one in logs.digests if not store.path(one).exists()])
        self.farm.start_manager()
        found = await self.wait_until_ended()
        await self.farm.stop_manager()
        self.assertEqual({BuildState.FULLYBUILT}, {build.state for build in found})
        self.assert_nothing_twice()


class RestoreTests(RestoreTestCase):
    async def test_under_load(self) -> None:
        """Backup while it builds, kill, restore, and on: all ends, and nothing appears twice."""
        await self.farm.add_builders(4, seconds=0.3)
        self.sources = [f"{kind}{n}" for kind in ("same", "other") for n in range(PER_ARCHIVE)]
        for names in ARCHIVES.values():
            for name in names:
                for source in self.sources:
                    await self.farm.submit_into(name, source)
        manager = self.farm.start_manager()
        await self.wait_until_published(BEFORE_BACKUP)
        self.assertIn("and checked", await self.command("backup", self.backup))
        at_backup = len(await self.published())
        await self.wait_until_published(at_backup + AFTER_BACKUP)
        await self.farm.kill(manager)
        begun = self.begun()
        lost = len(await self.published()) - at_backup
        await self.farm.close_database()
        self.assertIn("queued again", await self.command("restore", self.backup))
        self.farm.open_database()
        self.assertTrue(lost >= AFTER_BACKUP)

        self.farm.start_manager()
        found = await self.wait_until_ended()
        await self.farm.stop_manager()
        self.assertEqual(len(ARCHIVES) * 2 * len(self.sources), len(found))
        await self.assert_ended_well(found)
        self.assert_nothing_twice()
        await self.assert_new_cookies(begun)
        for daemon in self.farm.daemons.values():
            self.assertEqual([], daemon.offences)


class PostgresRestoreTests(RestoreTests):
    """The same with the database in PostgreSQL."""

    def make_database(self) -> str:
        """A database with a farm that `init` has made."""
        return fresh_database(self)
