"""`manage-builders`, as operators and their scripts call it."""

from buildfarm.vocab.access import AccessLevel
from tests.functional.scripts.cases import ScriptTestCase


class ManageBuildersTests(ScriptTestCase):
    script = "manage-builders"

    async def setUp(self) -> None:
        await super().setUp()
        for name in ("alpha", "bravo"):
            await self.farm.add_builder(self.farm.daemon(), name)

    async def test_listed(self) -> None:
        """Anybody sees the builders, as a table and as JSON, chosen by what they are and do."""
        await self.log_in("ann")
        await self.told("disable", "bravo", "--note", "no \x1b[31mdisk", "--yes")
        table = await self.told("list")
        self.assertIn("no \\x1b[31mdisk", table)
        self.assertEqual(["NAME", "alpha", "bravo"], [row.split()[0] for row in table.splitlines()])
        (found,) = await self.told_json("list", "--state", "disabled")
        self.assertEqual(
            ("bravo", "disabled", ["amd64"]), (found["name"], found["doing"], found["processors"])
        )
        for nobody in (
            ("--arch", "riscv64"),
            ("--older-than", "1w"),
            ("--virt",),
            ("--mode", "manual"),
        ):
            self.assertEqual([], await self.told_json("list", *nobody))
        for both in (
            ("--arch", "amd64"),
            ("--newer-than", "1h"),
            ("--nonvirt",),
            ("--mode", "auto"),
        ):
            self.assertEqual(2, len(await self.told_json("list", *both)))

    async def test_steered(self) -> None:
        """Builders are taken out with a note, made manual, given resources, and used again."""
        await self.log_in("ann")
        await self.told("disable", "alpha", "--note", "moved", "--yes")
        alpha = await self.farm.builder("alpha")
        self.assertEqual((False, "moved"), (alpha.builderok, alpha.failnotes))
        await self.told("manual", "--state", "disabled", "--yes")
        await self.told("resources", "alpha", "--open", "gpu", "--restricted", "secret", "--yes")
        alpha = await self.farm.builder("alpha")
        self.assertEqual(
            (True, ("gpu",), ("secret",)),
            (alpha.manual, alpha.open_resources, alpha.restricted_resources),
        )
        await self.told("resources", "alpha", "--open", "", "--yes")
        await self.told("enable", "--all", "--yes")
        await self.told("auto", "--all", "--yes")
        alpha = await self.farm.builder("alpha")
        self.assertEqual(
            (True, None, False, ()),
            (alpha.builderok, alpha.failnotes, alpha.manual, alpha.open_resources),
        )
        await self.told("enable", "alpha", "--note", "new disk", "--yes")
        alpha = await self.farm.builder("alpha")
        self.assertEqual((True, "new disk"), (alpha.builderok, alpha.failnotes))

    async def test_reset(self) -> None:
        """Idle builders are declared dirty, and become clean again by the farm's own doing."""
        await self.log_in("ann")

        async def is_clean() -> bool:
            found = await self.told_json("list", "alpha")
            return bool(found[0]["doing"] == "idle")

        await self.wait_until(is_clean, what="alpha to be clean")
        (done,) = await self.told_json("reset", "alpha", "--yes")
        self.assertEqual(("alpha", True, None), (done["name"], done["done"], done["error"]))

    async def test_looking_first(self) -> None:
        """--dry-run shows what would change; who has it already is left out."""
        await self.log_in("ann")
        shown = await self.told("manual", "--all", "--dry-run")
        self.assertEqual(["alpha", "bravo"], [row.split()[0] for row in shown.splitlines()[1:]])
        self.assertFalse((await self.farm.builder("alpha")).manual)
        self.assertEqual("There are no builders to change.\n", await self.told("auto", "--all"))
        self.assertEqual([], await self.told_json("auto", "--all"))

    async def test_asking(self) -> None:
        """On a terminal one is asked; without one, only --yes changes something."""
        await self.log_in("ann")
        ended = await self.run_script("manual", "alpha", status=1)
        self.assertEqual(
            "There is no terminal to ask on: say --yes, or --dry-run to look only.\n", ended.stderr
        )
        shown = await self.on_terminal("manual", "alpha", answer="n\n", status=1)
        self.assertIn("Change these builders (1)?", shown)
        self.assertFalse((await self.farm.builder("alpha")).manual)
        await self.on_terminal("manual", "alpha", answer="y\n")
        self.assertTrue((await self.farm.builder("alpha")).manual)

    async def test_refused(self) -> None:
        """Nobody in particular, who is no moderator, and a token of too low a level are refused."""
        self.assertIn("No credentials were named", await self._refused())
        await self.log_in("bert")
        self.assertIn("bert is not in launchpad-buildd-admins", await self._refused())
        await self.log_in("ann", AccessLevel.WRITE)
        self.assertIn("takes administer", await self._refused())
        self.assertEqual("There is no builder zulu.", await self.refusal("list", "zulu"))

    async def _refused(self) -> str:
        return (await self.run_script("manual", "alpha", "--yes", status=1)).stderr

    async def test_wrong_usage(self) -> None:
        """What makes no sense is said so, and nothing is asked of the farm."""
        self.environment["BUILDD_MANAGER_URL"] = "http://127.0.0.1:1"
        for wrong, told in (
            (("manual",), "Say which builders"),
            (("manual", "alpha", "--all"), "Say which builders"),
            (("resources", "alpha"), "--open or --restricted"),
            (("disable", "alpha"), "--note"),
            (("list", "--older-than", "yesterday"), "is no age"),
            (("--farm", "ftp://farm", "list"), "is no address of a farm"),
        ):
            self.assertIn(told, await self.usage(*wrong))
