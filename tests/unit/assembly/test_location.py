"""Where a configuration's daemon listens, found without a full check."""

from pathlib import Path

from buildfarm.assembly.location import control_socket
from buildfarm.assembly.settings import load
from buildfarm.farmtesting.cases import FarmTestCase


class TestLocation(FarmTestCase):
    def test_same_as_the_settings(self) -> None:
        """The socket is the one that the checked settings name, given or by default."""
        path = self.make_directory() / "farm.toml"
        for line in ("", 'control_socket = "run/x"', 'control_socket = "/run/x"'):
            path.write_text(f'[manager]\nstate_dir = "var"\n{line}')
            self.assertEqual(load(path).control_socket, control_socket(path))

    def test_nothing_usable(self) -> None:
        """A file that cannot be used names no socket; the full check says why."""
        path = self.make_directory() / "farm.toml"
        self.assertIsNone(control_socket(path))
        for text in (
            "",
            "x",
            "manager = 1",
            "[manager]",
            "[manager]\nstate_dir = 1",
            "x = " + "[" * 10_000,
        ):
            path.write_text(text)
            self.assertIsNone(control_socket(path), text)
        self.assertIsNone(control_socket(Path("/dev/zero")))
