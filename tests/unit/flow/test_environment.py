"""What children learn of the manager's environment."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.environment import minimal_environment


class EnvironmentTests(FarmTestCase):
    """What is passed on, and what is not."""

    def test_passed_on(self) -> None:
        """A child gets paths and identity, no secrets, and a fixed locale."""
        ours = {"PATH": "/bin", "HOME": "/root", "TOKEN": "secret", "LC_ALL": "de_DE", "LANG": "x"}
        self.assertEqual(
            {"PATH": "/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"},
            minimal_environment(environment=ours),
        )

    def test_additions(self) -> None:
        """What the caller adds is added, or replaces what was there."""
        child = minimal_environment({"COOKIE": "x", "PATH": "/opt"}, environment={"PATH": "/bin"})
        self.assertEqual({"COOKIE": "x", "PATH": "/opt", "LC_ALL": "C.UTF-8"}, child)
