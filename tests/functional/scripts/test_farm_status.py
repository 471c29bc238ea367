"""`farm-status`, in a pipe and on a terminal."""

from tests.functional.scripts.cases import ScriptTestCase


class FarmStatusTests(ScriptTestCase):
    script = "farm-status"

    async def setUp(self) -> None:
        await super().setUp()
        await self.farm.add_builder(self.farm.daemon(), "alpha")
        await self.farm.submit("waits", archive="virtual")

    async def test_at_a_glance(self) -> None:
        """Counts, what waits, and every builder, for people and for scripts, asked by anybody."""
        told = await self.told()
        self.assertIn("Builders: 1 ", told)
        self.assertIn("Builds that wait: 1.", told)
        self.assertIn("alpha", told)
        found = await self.told_json()
        self.assertEqual(["alpha"], [one["name"] for one in found["builders"]])

    async def test_watching(self) -> None:
        """On a terminal it stays until Ctrl-C, which ends it as if nothing had happened."""
        drawn = await self.on_terminal("--watch", answer="\x03", when="Ctrl-C ends")
        self.assertIn("alpha", drawn)
        self.assertNotIn("Traceback", drawn)
        self.assertTrue(drawn.rstrip().endswith("\x1b[?25h\x1b[?1049l"), drawn[-40:])

    async def test_no_terminal(self) -> None:
        """Without a terminal nothing is watched; a script gets one answer."""
        self.assertIn("draws on a terminal", await self.refusal("--watch"))
        self.assertIn("do not go together", await self.usage("--watch", "--json"))

    async def test_no_farm(self) -> None:
        """Where no farm is, that is told in a sentence: nobody there, and somebody else."""
        self.assertIn("Connection refused", await self.refusal("--farm", "http://127.0.0.1:1"))
        files = self.farm.settings.files.public_url
        self.assertIn("is no build farm", await self.refusal("--farm", files))

    async def test_bad_token(self) -> None:
        """A token that the farm does not know, and a file that holds none, are told as that."""
        path = await self.log_in("ann")
        path.write_text(path.read_text().replace("access_secret = ", "access_secret = 0"))
        self.assertIn("takes the token in", await self.refusal())
        path.write_text("nonsense")
        self.assertIn("is no file of credentials", await self.refusal())
        self.assertIn("No such file", await self.refusal("--credentials", "missing"))
