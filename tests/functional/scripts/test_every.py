"""What is the same for every script."""

from tests.functional.scripts.cases import ScriptTestCase

#: Each script with arguments that only look.
LOOKING = {
    "export-history": ("builds", "--since", "2020-01-01"),
    "farm-status": (),
    "manage-builders": ("list",),
    "manage-builds": ("list",),
    "retry-depwait": ("--all",),
    "submit-source": (".", "--archive", "main", "--suite", "bookworm"),
}


class EveryScriptTests(ScriptTestCase):
    async def test_unreachable(self) -> None:
        """Where nobody listens, each says so in one sentence, naming the farm."""
        self.environment["BUILDD_MANAGER_URL"] = "http://127.0.0.1:1/"
        for self.script, arguments in LOOKING.items():
            self.assertEqual(
                "The farm at http://127.0.0.1:1 cannot be reached: Connection refused.",
                await self.refusal(*arguments),
            )

    async def test_on_a_terminal(self) -> None:
        """On a terminal each shows what it shows in a pipe, and asks nothing."""
        await self.log_in("ann")
        for self.script, arguments in LOOKING.items():
            if self.script != "submit-source":
                self.assertNotEqual("", await self.on_terminal(*arguments))

    async def test_wrong_usage(self) -> None:
        """An option that there is not is wrong usage, whatever the farm does."""
        for self.script in LOOKING:
            self.assertIn("No such option", await self.usage("--nonsense"))
