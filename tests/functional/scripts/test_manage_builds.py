"""`manage-builds`, as maintainers and their scripts call it."""

from buildfarm.vocab.states import BuildState
from tests.functional.scripts.cases import ScriptTestCase


class ManageBuildsTests(ScriptTestCase):
    script = "manage-builds"

    async def setUp(self) -> None:
        await super().setUp()
        self.first = await self.farm.submit("hello")
        self.second = await self.farm.submit("sed", archive="virtual")

    async def test_listed(self) -> None:
        """Anybody lists builds, the latest first, and chooses among them."""
        table = await self.told("list")
        self.assertEqual(["2", "1"], [row.split()[0] for row in table.splitlines()[1:]])
        for chosen, ids in (
            (("--archive", "virtual"), [2]),
            (("--source", "hello"), [1]),
            (("--state", "NEEDSBUILD", "--state", "CANCELLED"), [2, 1]),
            (("--state", "FULLYBUILT"), []),
            (("--arch", "arm64"), []),
            (("--suite", "bookworm", "--limit", "1"), [2]),
        ):
            self.assertEqual(ids, [one["id"] for one in await self.told_json("list", *chosen)])

    async def test_shown(self) -> None:
        """One build with its attempts, and why it waits."""
        self.assertIn("Needs building", await self.told("show", "1"))
        self.assertEqual([], (await self.told_json("show", "1"))["attempts"])
        self.assertIn("Build 1, hello 1.0 amd64 in main/bookworm", await self.told("why", "1"))
        self.assertIn("summary", await self.told_json("why", "1"))

    async def test_steered(self) -> None:
        """Builds are rescored, cancelled and tried again; each is told of."""
        await self.log_in("ann")
        [done] = await self.told_json("rescore", "1", "--score", "77")
        self.assertEqual((1, 77), (done["id"], done["score"]))
        told = await self.told("cancel", "1", "2")
        self.assertEqual(2, told.count("Cancelled build"))
        self.assertIs(BuildState.CANCELLED, (await self.farm.build(2)).state)
        self.assertIn("Needs building", await self.told("retry", "1"))

    async def test_one_of_several_refused(self) -> None:
        """One that cannot be cancelled, or is not there, is named; the others are; status 1."""
        await self.log_in("ann")
        await self.told("cancel", "1")
        ended = await self.run_script("cancel", "1", "99", "2", status=1)
        self.assertTrue(ended.stderr.startswith("1: "), ended.stderr)
        self.assertIn("99: There is no build 99.", ended.stderr)
        self.assertIn("Build 2", ended.stdout)

    async def test_refused(self) -> None:
        """No such build, no log, no right, no sense."""
        self.assertEqual("There is no build 99.", await self.refusal("show", "99"))
        self.assertIn("has no log", await self.refusal("log", "1"))
        self.assertIn("log in, or use a token", await self.refusal("cancel", "1"))
        self.assertIn("is not", await self.usage("list", "--state", "NONSENSE"))
        self.assertIn("ID", await self.usage("cancel"))

    async def test_interrupted(self) -> None:
        """Ctrl-C ends following a build that waits, and the build goes on waiting."""
        shown = await self.on_terminal(
            "log", "1", "--follow", answer="\x03", when="Needs building", status=130
        )
        self.assertNotIn("Traceback", shown)
        self.assertIs(BuildState.NEEDSBUILD, (await self.farm.build(1)).state)

    async def test_log(self) -> None:
        """The log of a build that runs is followed to its end, whose result is the status."""
        await self.farm.add_builder(self.farm.daemon())
        followed = await self.run_script("log", "1", "--follow")
        self.assertIn("Successfully built", followed.stderr)
        self.assertIn("went as its script says", followed.stdout)
        self.assertEqual(followed.stdout, await self.told("log", "1"))
        shown = await self.told_json("show", "1")
        self.assertEqual(["PUBLISHED"], [one["outcome"] for one in shown["attempts"]])
