"""`export-history`, as cron runs it."""

import csv
import io
import json
from pathlib import Path

from tests.functional.scripts.cases import ScriptTestCase


class ExportHistoryTests(ScriptTestCase):
    script = "export-history"

    async def setUp(self) -> None:
        await super().setUp()
        await self.farm.add_builder(self.farm.daemon())
        self.build_id = await self.farm.submit()
        await self.farm.wait_until_built([self.build_id])

    def rows(self, text: str) -> list[dict[str, str]]:
        """The rows of a table in CSV."""
        return list(csv.DictReader(io.StringIO(text, newline="")))

    async def test_exported(self) -> None:
        """Builds and attempts that ended, each a row with its words and times."""
        later = ("--until", "2999-01-01")
        [build] = self.rows(await self.told("builds", *later))
        self.assertEqual(("1", "Successfully built"), (build["id"], build["buildstate"]))
        [attempt] = self.rows(await self.told("attempts", *later))
        self.assertEqual(("bob", "PUBLISHED"), (attempt["builder_name"], attempt["outcome"]))
        found = json.loads(await self.told("attempts", *later, "--json"))
        self.assertEqual((1, "main"), (found["build_id"], found["archive_name"]))

    async def test_spans(self) -> None:
        """Nothing that ended elsewhen is told; nonsense is wrong usage."""
        early = await self.told("attempts", "--since", "2000-01-01", "--until", "2001-01-01")
        self.assertEqual([], self.rows(early))
        self.assertIn("id,build_id,number", early)
        self.assertIn(
            "Nothing can have ended", await self.refusal("builds", "--since", "2999-01-01")
        )
        self.assertIn("is no date", await self.usage("builds", "--since", "yesterday"))
        self.assertIn("is not one of", await self.usage("everything"))

    async def test_gone_on_with(self) -> None:
        """With a state a run begins where the last one ended; files are there whole or not."""
        state, output = self.home / "state", self.home / "out.csv"
        both = ("--state", state, "--output", output)
        await self.told("builds", *both, "--until", "2000-01-01")
        self.assertEqual([], self.rows(output.read_text()))
        await self.told("builds", *both, "--until", "2999-01-01")
        self.assertEqual(["1"], [one["id"] for one in self.rows(output.read_text())])
        await self.told("builds", *both, "--until", "2999-01-02")
        self.assertEqual([], self.rows(output.read_text()))
        self.assertEqual("2999-01-02T00:00:00+00:00\n", state.read_text())
        self.assertEqual({state, output}, {path for path in self.home.iterdir() if path.is_file()})
        self.assertIn(
            "leave --since out", await self.usage("builds", *both, "--since", "2000-01-01")
        )

    async def test_not_gone_on_with(self) -> None:
        """What could not be written is not remembered as written."""
        state = self.home / "state"
        missing = Path("nowhere") / "out.csv"
        self.assertIn(
            "cannot be written", await self.refusal("builds", "--state", state, "--output", missing)
        )
        self.assertFalse(state.exists())
        state.write_text("nonsense")
        self.assertIn("holds no date", await self.refusal("builds", "--state", state))
