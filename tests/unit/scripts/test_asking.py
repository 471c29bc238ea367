"""What is changed, and who is asked before."""

import io
import json
import sys
from typing import Any

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.scripts.asking import Change, carry_out
from buildfarm.vocab.errors import Refused


class AskingTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.output, self.errors = io.StringIO(), io.StringIO()
        self.patch(sys, "stdin", io.StringIO("y\n"))
        self.patch(sys, "stdout", self.output)
        self.patch(sys, "stderr", self.errors)
        self.done: list[str] = []

    def change(self, name: str, error: Exception | None = None) -> Change:
        """A change that is noted, or fails."""

        def act() -> None:
            if error is not None:
                raise error
            self.done.append(name)

        return Change(name, "manual: no", "manual: yes", act)

    def carry_out(self, *changes: Change, **said: bool) -> int:
        """Do them; a ValueError ends one change, anything else all of them."""
        said = {"yes": True, "dry_run": False, "json_wanted": False, **said}

        def refusal(error: Exception) -> str | None:
            return str(error) if isinstance(error, ValueError) else None

        return carry_out(changes, what="builders", refusal=refusal, **said)

    def told(self) -> Any:
        """The JSON that was printed."""
        return json.loads(self.output.getvalue())

    def test_agreed(self) -> None:
        """What was agreed to beforehand is shown and done."""
        self.assertEqual(0, self.carry_out(self.change("alpha"), self.change("bravo")))
        self.assertEqual(["alpha", "bravo"], self.done)
        self.assertIn("manual: yes", self.output.getvalue())

    def test_nobody_to_ask(self) -> None:
        """Without a terminal nothing is done that was not agreed to, whatever is piped in."""
        self.assertRaises(Refused, self.carry_out, self.change("alpha"), yes=False)
        self.assertEqual([], self.done)

    def test_looking(self) -> None:
        """A dry run does nothing, and asks nobody."""
        self.assertEqual(0, self.carry_out(self.change("alpha"), yes=False, dry_run=True))
        self.assertEqual([], self.done)

    def test_one_refused(self) -> None:
        """One that is refused is named on standard error; the others are done; the status is 1."""
        refused = self.change("alpha", ValueError("it \x1b[2Jbuilds"))
        status = self.carry_out(refused, self.change("bravo"), json_wanted=True)
        self.assertEqual((1, ["bravo"]), (status, self.done))
        self.assertEqual("alpha: it \\x1b[2Jbuilds\n", self.errors.getvalue())
        self.assertEqual([False, True], [one["done"] for one in self.told()])

    def test_all_refused(self) -> None:
        """What goes wrong for everybody ends it at once."""
        gone = self.change("alpha", OSError("gone"))
        self.assertRaises(OSError, self.carry_out, gone, self.change("bravo"))
        self.assertEqual([], self.done)

    def test_nothing_to_do(self) -> None:
        """Nothing to change is no refusal, and for scripts an empty list."""
        self.assertEqual(0, self.carry_out(yes=False))
        self.assertEqual("There are no builders to change.\n", self.output.getvalue())
        self.output.truncate(0)
        self.output.seek(0)
        self.carry_out(json_wanted=True)
        self.assertEqual([], self.told())
