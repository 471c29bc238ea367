"""The reset command's arguments: names go in where the operator wrote them, and nothing else."""

from dataclasses import replace

from testtools import ExpectedException

from buildfarm.builders.resets import reset_arguments
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.snapshots import BUILDER
from buildfarm.vocab.errors import ResetFailed

VIRTUAL = replace(
    BUILDER, virtualized=True, vm_host="host1.example.com", url="http://Bob-1.example.com:8221"
)


class TestResetArguments(FarmTestCase):
    """What the child process is started with."""

    def test_names_are_replaced_in_every_argument(self) -> None:
        """More than once in one, and not at all in others."""
        command = ("reset", "--host=%(vm_host)s", "%(buildd_name)s:%(buildd_name)s", "100%", "a b")
        self.assertEqual(
            ["reset", "--host=host1.example.com", "bob-1:bob-1", "100%", "a b"],
            reset_arguments(command, VIRTUAL),
        )

    def test_without_a_command_no_virtual_builder_can_be_reset(self) -> None:
        """The sentence names the key that is missing."""
        with ExpectedException(ResetFailed, r"bob is virtual and \[resets\] command is empty"):
            reset_arguments((), VIRTUAL)

    def test_a_vm_host_that_is_no_name_never_becomes_an_argument(self) -> None:
        """Options, paths, separators, control characters, placeholders, or none at all."""
        for vm_host in (
            None,
            "",
            "-o",
            "--option",
            "../etc",
            "a b",
            "a;b",
            "a\nb",
            "a\x00",
            "é",
            "$(id)",
            "%(buildd_name)s",
            "a" * 300,
        ):
            with ExpectedException(ResetFailed):
                reset_arguments(("reset", "%(vm_host)s"), replace(VIRTUAL, vm_host=vm_host))

    def test_a_url_that_gives_no_name_is_refused(self) -> None:
        """Also where only the name of the machine would be wrong."""
        for url in ("http://-bob:8221", "nonsense", "http://[fd00::1]:8221"):
            with ExpectedException(ResetFailed):
                reset_arguments(("reset", "%(buildd_name)s"), replace(VIRTUAL, url=url))
