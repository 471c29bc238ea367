"""How a command line of ours ends."""

import contextlib
import io
from collections.abc import Callable
from typing import Any

import click

from buildfarm.console.outcome import INTERRUPTED, run_to_exit
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.errors import Refused


def _raising(error: BaseException) -> Callable[[], Any]:
    def command() -> None:
        raise error

    return command


class OutcomeTests(FarmTestCase):
    def ended(self, function: Callable[[], Any], *arguments: str) -> tuple[Any, str]:
        """The exit status of a command that is `function`, and its standard error."""
        told = io.StringIO()
        with contextlib.redirect_stderr(told):
            ended = self.assertRaises(
                SystemExit, run_to_exit, click.command()(function), list(arguments), "try-it"
            )
        return ended.code, told.getvalue()

    def test_done(self) -> None:
        """What ends without a word has done its work; a command may choose its status."""
        self.assertEqual((0, ""), self.ended(lambda: None))
        self.assertEqual((1, ""), self.ended(lambda: 1))

    def test_refused(self) -> None:
        """A refusal is its sentence, made safe to show, and status 1."""
        self.assertEqual(
            (1, "No \\x1b[2J builder.\n"), self.ended(_raising(Refused("No \x1b[2J builder.")))
        )

    def test_wrong_usage(self) -> None:
        """What click refuses is wrong usage: status 2, under the name of the command."""
        status, told = self.ended(lambda: None, "--nonsense")
        self.assertEqual(2, status)
        self.assertIn("Usage: try-it", told)

    def test_interrupted(self) -> None:
        """Ctrl-C ends a command as shells expect."""
        self.assertEqual((INTERRUPTED, ""), self.ended(_raising(click.Abort())))
