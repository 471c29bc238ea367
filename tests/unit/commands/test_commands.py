"""The command line without a manager behind it: what is asked, and what wrong usage says."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from buildfarm.commands import main as main_module
from buildfarm.commands.asking import Manager
from buildfarm.commands.main import cli
from buildfarm.farmtesting.cases import FarmTestCase

BUILDER = {
    "name": "bob",
    "active": True,
    "builderok": True,
    "manual": False,
    "clean_status": "DIRTY",
}
BUILD = {"id": 7, "state": "CANCELLED"}


class FakeManager(Manager):
    """Notes what it is asked, and answers what the test says."""

    asked: tuple[str, dict[str, Any]]
    files: Sequence[Path]
    answer: Any = None
    parts: Sequence[Any] = ()

    def __init__(self) -> None:
        """No configuration is needed."""

    def ask(  # type: ignore[override]
        self,
        verb: str,
        params: dict[str, Any] | None = None,
        files: Sequence[Path] = (),
        on_part: Callable[[Any], None] = lambda part: None,
    ) -> Any:
        """Note and answer."""
        FakeManager.asked = verb, json.loads(json.dumps(params or {}))
        FakeManager.files = files
        for part in FakeManager.parts:
            on_part(part)
        return FakeManager.answer


class CommandCase(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.patch(main_module, "Manager", lambda config: FakeManager())
        self.patch(FakeManager, "answer", None)
        self.patch(FakeManager, "parts", ())

    def run_command(self, *arguments: str, answer: Any = None, status: int = 0) -> Result:
        """Run a command that must end with this status."""
        FakeManager.answer = answer
        result = CliRunner().invoke(cli, arguments)
        self.assertEqual(status, result.exit_code, result.output)
        return result

    def asked(self, *arguments: str, answer: Any = None) -> tuple[str, dict[str, Any]]:
        """What a command asks the manager."""
        self.run_command(*arguments, answer=answer)
        return FakeManager.asked


class TestHelp(CommandCase):
    def test_every_command_has_help(self) -> None:
        """Each command says what it does, and so does each of its options and arguments."""

        def walk(command: click.Command, path: tuple[str, ...]) -> None:
            help_text = self.run_command(*path, "--help").output
            self.assertNotIn("\\b", help_text)
            self.assertTrue(command.help, path)
            if isinstance(command, click.Group):
                context = click.Context(command)
                for name in command.list_commands(context):
                    found = command.get_command(context, name)
                    assert found is not None
                    walk(found, (*path, name))

        walk(cli, ())

    def test_examples_stay_on_their_lines(self) -> None:
        """Examples can be copied: they are not wrapped."""
        text = self.run_command("builder", "add", "--help").output
        self.assertIn(
            "\n    buildd-manager builder add bob http://bob:8221/ --processor amd64\n", text
        )

    def test_wrong_usage(self) -> None:
        """Wrong usage ends with 2, whatever it is."""
        for arguments in (
            ("nonsense",),
            ("builder", "paint"),
            ("builder", "add", "bob"),
            ("builder", "add", "bob", "http://bob"),
            ("builder", "add", "bob", "http://bob", "--processor", "amd64", "--virtualized"),
            ("builder", "set", "bob"),
            ("builder", "set", "bob", "--clean-status", "CLEANING"),
            ("chroot", "set", "debian/bookworm", "file"),
            ("archive", "add", "main", "--suite", "x", "--uploader", "ftp:/x"),
            ("archive", "add", "main", "--suite", "x", "--uploader", "directory:"),
            ("archive", "set", "main"),
            ("submit",),
            ("build", "show", "seven"),
            ("build", "list", "--state", "DONE"),
            ("build", "rescore", "7"),
        ):
            self.run_command(*arguments, status=2)


class TestBuilder(CommandCase):
    def test_add(self) -> None:
        """Every option becomes the field of its name."""
        asked = self.asked(
            *("builder", "add", "bob", "http://bob:8221/", "--processor", "amd64"),
            *("--processor", "i386", "--virtualized", "--vm-host", "h", "--reset-protocol", "2.0"),
            *("--resource", "gpu", "--restricted-resource", "big", "--manual", "--title", "Bob"),
            answer=BUILDER,
        )
        self.assertEqual(
            (
                "builder.add",
                {
                    "name": "bob",
                    "url": "http://bob:8221/",
                    "processors": ["amd64", "i386"],
                    "title": "Bob",
                    "virtualized": True,
                    "vm_host": "h",
                    "vm_reset_protocol": "2.0",
                    "open_resources": ["gpu"],
                    "restricted_resources": ["big"],
                    "manual": True,
                },
            ),
            asked,
        )

    def test_set(self) -> None:
        """Only what is named is changed."""
        for options, changes in (
            (("--clean-status", "CLEAN"), {"clean_status": "CLEAN"}),
            (("--not-ok", "--failnotes", "disk"), {"builderok": False, "failnotes": "disk"}),
            (("--ok",), {"builderok": True}),
            (("--manual",), {"manual": True}),
            (("--auto",), {"manual": False}),
            (("--processor", "a", "--processor", "b"), {"processors": ["a", "b"]}),
            (("--resource", ""), {"open_resources": []}),
            (("--vm-host", ""), {"vm_host": None}),
        ):
            asked = self.asked("builder", "set", "bob", *options, answer=BUILDER)
            self.assertEqual(("builder.set", {"name": "bob", "changes": changes}), asked)

    def test_states(self) -> None:
        """What a builder does, in a word."""
        for changed, word in (
            ({}, "ok"),
            ({"manual": True}, "manual"),
            ({"builderok": False}, "disabled"),
            ({"active": False}, "removed"),
        ):
            result = self.run_command("builder", "remove", "bob", answer={**BUILDER, **changed})
            self.assertIn(f": {word}, DIRTY.", result.output)

    def test_latest_events(self) -> None:
        """What happened is told once, though an act writes an event for each thing it changed."""
        ended = {"time": "12:00", "build_id": 7, "reason": "bob ended the build with OK."}
        cleaned = {"time": "12:01", "build_id": None, "reason": "it was cleaned"}
        answer = {**BUILDER, "events": [ended, ended, cleaned], "reset_output": None}
        shown = self.run_command("builder", "show", "bob", answer=answer).output
        told = ["  12:00 build 7: bob ended the build with OK.", "  12:01 it was cleaned"]
        self.assertEqual(told, shown.splitlines()[-2:])


class TestArchive(CommandCase):
    ANSWER = {"name": "main", "uploader": "reprepro", "path": "/x", "key_id": None}  # noqa: RUF012

    def add(self, *options: str) -> dict[str, Any]:
        """What `archive add main` with these options asks for."""
        arguments = ("archive", "add", "main", "--suite", "bookworm", *options)
        verb, params = self.asked(*arguments, answer=self.ANSWER)
        self.assertEqual("archive.add", verb)
        return params

    def test_uploader(self) -> None:
        """An uploader's path is made absolute here, or chosen by the manager."""
        params = self.add("--uploader", "reprepro")
        self.assertEqual(("reprepro", None), (params["uploader"], params["path"]))
        params = self.add("--uploader", "directory:a/b")
        self.assertEqual(str(Path("a/b").absolute()), params["path"])

    def test_nominated_architecture(self) -> None:
        """`Architecture: all` is built on the first architecture unless another is named."""
        options = ("--uploader", "reprepro", "--arch", "arm64", "--arch", "amd64")
        self.assertEqual("arm64", self.add(*options)["nominated_architecture"])
        named = self.add(*options, "--nominated-arch", "amd64")
        self.assertEqual("amd64", named["nominated_architecture"])

    def test_secret_key_goes_as_a_file(self) -> None:
        """A secret key is sent as an open file, in no parameter."""
        self.add("--uploader", "reprepro", "--sign-with", "key")
        self.assertEqual([Path("key")], FakeManager.files)


class TestBuild(CommandCase):
    def test_verbs(self) -> None:
        """Each command asks the verb of its name."""
        for arguments, verb, params in (
            (("cancel", "7"), "build.cancel", {}),
            (("retry", "7"), "build.retry", {"rebuild": False}),
            (("retry", "7", "--rebuild"), "build.retry", {"rebuild": True}),
            (("rescore", "7", "50"), "build.rescore", {"score": 50}),
        ):
            asked = self.asked("build", *arguments, answer=BUILD)
            self.assertEqual((verb, {"build_id": 7, **params}), asked)

    def test_negative_score(self) -> None:
        """A negative score is written after two dashes, as usual."""
        _, params = self.asked("build", "rescore", "--", "7", "-5", answer=BUILD)
        self.assertEqual(-5, params["score"])

    def test_list(self) -> None:
        """States are named in any case."""
        asked = self.asked("build", "list", "--state", "fullybuilt", "--limit", "3", answer=[])
        self.assertEqual(["FULLYBUILT"], asked[1]["states"])
        self.assertEqual(3, asked[1]["limit"])

    def test_log(self) -> None:
        """A log is printed as it comes, harmless to the terminal."""
        self.patch(FakeManager, "parts", ("one\n", "\x1b]0;title\x07two\n"))
        result = self.run_command("build", "log", "7")
        self.assertEqual("one\n\\x1b]0;title\\x07two\n", result.output)
