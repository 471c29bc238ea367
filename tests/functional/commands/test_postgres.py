"""The commands of a farm whose database is in PostgreSQL."""

from buildfarm.farmtesting.ports import free_port
from buildfarm.farmtesting.postgres import EMPTY, Cluster, fresh_database, shared_cluster
from tests.functional.commands.cases import CONFIG, CommandTestCase

PASSWORD = "correct-horse-battery"


class PostgresTestCase(CommandTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.name = Cluster.name_of(fresh_database(self, EMPTY))
        self.configure(shared_cluster().tcp_uri(self.name, password=PASSWORD))

    def configure(self, uri: str, state: str = "state") -> None:
        """Have the commands use this database and state directory."""
        text = CONFIG.replace('"state"', f'"{state}"\ndatabase = "{uri}"')
        self.config.write_text(text)
        self.state = self.directory / state
        self.socket = self.state / "control.sock"


class TestCommands(PostgresTestCase):
    async def test_from_init_to_restore(self) -> None:
        """A farm is made, worked with, backed up while it runs, and restored."""
        self.assertIn("was made (version ", await self.told("init"))
        self.assertIn("is up to date (version ", await self.told("init"))
        manager = await self.daemon()
        await self.run_command("builder", "add", "bob", "http://bob", "--processor", "amd64")
        copy = self.directory / "copy.db"
        await self.run_command("backup", copy)
        await self.run_command("builder", "add", "eve", "http://eve", "--processor", "amd64")
        self.assertIn("stop it first", await self.refusal("restore", copy))
        self.assertEqual(0, await self.stop(manager))
        self.assertIn("The database of before is kept as", await self.told("restore", copy))
        builders = await self.told_json("builder", "list")
        self.assertEqual(["bob"], [one["name"] for one in builders])

    async def test_restore_killed(self) -> None:
        """Wherever `restore` ends, the farm is that of before, or that of the backup."""
        await self.run_command("init")
        copy = self.directory / "copy.db"
        await self.run_command("backup", copy)
        await self.run_command("builder", "add", "bob", "http://bob", "--processor", "amd64")
        for place in ("_make_schema", "read_backup"):
            await self.kill_at(f"buildfarm.storage.postgresbackend:{place}", "restore", copy)
            self.assertEqual(1, len(await self.told_json("builder", "list")), place)
        await self.run_command("restore", copy)
        self.assertEqual([], await self.told_json("builder", "list"))

    async def test_a_second_manager(self) -> None:
        """A manager elsewhere on the same database is refused, as are commands; nothing changes."""
        await self.run_command("init")
        await self.daemon()
        uri = shared_cluster().tcp_uri(self.name)
        self.configure(uri, "elsewhere")
        for arguments in (("run",), ("init",), ("builder", "remove", "bob")):
            ended = await self.run_command(*arguments, status=1)
            self.assertIn("Another manager works on this database (buildd-manager", ended.stderr)

    async def test_no_database(self) -> None:
        """Where the administrator has not made the database, it is said how."""
        self.configure(shared_cluster().tcp_uri("nowhere"))
        self.assertIn("createdb --owner=", await self.refusal("init"))
        self.assertIn("createdb --owner=", await self.refusal("builder", "list"))

    async def test_no_server(self) -> None:
        """Where nothing answers, it is said so at once."""
        self.configure(f"postgres://buildd:{PASSWORD}@127.0.0.1:{free_port()}/farm")
        for arguments in (("init",), ("builder", "list"), ("run",)):
            ended = await self.run_command(*arguments, status=1)
            self.assertIn("The database is away", ended.stderr)
            self.assertNotIn(PASSWORD, ended.stdout + ended.stderr)


class TestPassword(PostgresTestCase):
    async def test_nobody_sees_it(self) -> None:
        """The password in the URI is in no answer, no refusal and no log."""
        said = []
        for arguments in (("check-config",), ("init",), ("init",), ("builder", "list")):
            ended = await self.run_command(*arguments)
            said += [ended.stdout, ended.stderr]
        manager = await self.daemon()
        shared_cluster().execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            f"WHERE datname = '{self.name}'"
        )
        copy = self.directory / "copy.db"
        for arguments in (("backup", copy), ("builder", "list"), ("build", "list")):
            ended = await self.run_command(*arguments)
            said += [ended.stdout, ended.stderr]
        await self.stop(manager)
        said += [(await self.run_command("restore", copy)).stdout, self.log()]
        self.assertIn("started: epoch", self.log())
        self.assertNotIn(PASSWORD, "".join(said))
        self.assertNotIn(PASSWORD.encode(), copy.read_bytes())
