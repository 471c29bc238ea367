"""Jobs as they are asked for, and endings."""

from pathlib import Path
from typing import Any

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.refbuilder.job import CallRefused, Ending, Job
from buildfarm.vocab.states import BuildOutcome

ARGS: dict[str, Any] = {
    "distribution": "debian",
    "series": "bookworm",
    "suite": "bookworm-updates",
    "ogrecomponent": "main",
    "arch_tag": "arm64",
    "arch_indep": True,
    "build_url": "https://farm.example/1",
}
FILES = {"hello_1.0.dsc": Path("inputs/a"), "hello_1.0.tar.xz": Path("inputs/b")}


def job(build_id: object = "B-1", files: dict[str, Path] | None = None, **args: object) -> Job:
    """The job of a call that differs in these arguments; one that is None is left out."""
    given = {name: value for name, value in {**ARGS, **args}.items() if value is not None}
    chosen = FILES if files is None else files
    return Job.from_call(build_id, Path("inputs/c"), chosen, given, "amd64")


class TestJob(FarmTestCase):
    def test_arguments(self) -> None:
        """A call's arguments become the job."""
        self.assertEqual(
            Job(
                "B-1",
                Path("inputs/c"),
                FILES,
                suite="bookworm-updates",
                architecture="arm64",
                arch_indep=True,
                build_url="https://farm.example/1",
            ),
            job(),
        )

    def test_defaults(self) -> None:
        """Without its own, a job is for the builder's architecture and that alone."""
        plain = job(arch_tag=None, arch_indep=None)
        self.assertEqual(("amd64", False), (plain.architecture, plain.arch_indep))

    def test_required(self) -> None:
        """A call without one of the required arguments is refused."""
        for name in ("distribution", "series", "suite", "ogrecomponent"):
            self.assertRaises(CallRefused, job, **{name: None})

    def test_id(self) -> None:
        """A build id is a text that is not empty."""
        for build_id in ("", None, 0, 7):
            self.assertRaises(CallRefused, job, build_id)

    def test_names(self) -> None:
        """No file leaves its directory, and no name becomes an option of a command."""
        for name in ("../hello.tar.xz", "/etc/passwd", "-x", ".hidden", ""):
            self.assertRaises(CallRefused, job, files={**FILES, name: Path("x")})
        for name in ("-Dx", "a b", "../x"):
            self.assertRaises(CallRefused, job, suite=name)
            self.assertRaises(CallRefused, job, arch_tag=name)

    def test_one_dsc(self) -> None:
        """A source package has one description."""
        self.assertEqual("hello_1.0.dsc", job().dsc)
        self.assertRaises(CallRefused, job, files={"hello_1.0.tar.xz": Path("b")})
        self.assertRaises(CallRefused, job, files={**FILES, "other_2.dsc": Path("d")})

    def test_json(self) -> None:
        """A job comes out of its JSON as it went in."""
        self.assertEqual(job(), Job.from_json(job().to_json()))


class TestEnding(FarmTestCase):
    def test_json(self) -> None:
        """An ending comes out of its JSON as it went in."""
        ending = Ending(BuildOutcome.OK, {"a.deb": "0" * 40}, "x (>= 1)")
        self.assertEqual(ending, Ending.from_json(ending.to_json()))

    def test_nonsense(self) -> None:
        """What a failing process prints is no ending."""
        for text in (
            "",
            "Killed",
            "7",
            "{}",
            '{"outcome": "x", "filemap": {}, "dependencies": ""}',
        ):
            self.assertRaises(ValueError, Ending.from_json, text)
