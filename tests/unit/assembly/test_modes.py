"""Files that others could read, told in sentences."""

from dataclasses import replace
from pathlib import Path

from buildfarm.assembly.modes import open_modes
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.settings import ManagerSettings, Settings


class TestOpenModes(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = Path(self.make_directory())
        state = self.home / "state"
        (state / "archives" / "main" / "keys").mkdir(parents=True)
        self.settings = Settings(manager=ManagerSettings(state_dir=state))
        self.config = self.home / "manager.toml"
        files = (self.settings.token_key, self.settings.control_socket, state / "x.db", self.config)
        for file in files:
            file.touch()
            file.chmod(0o600)
        state.chmod(0o750)
        (state / "archives" / "main" / "keys").chmod(0o700)

    def said(self, path: Path, mode: int, settings: Settings | None = None) -> list[str]:
        """What is said once `path` has this mode."""
        path.chmod(mode)
        return list(open_modes(self.config, settings or self.settings))

    def test_nothing_to_say(self) -> None:
        """The modes that the manager gives are fine, and so is a plain configuration for all."""
        self.assertEqual([], self.said(self.config, 0o644))

    def test_each_kind(self) -> None:
        """Each is named with its mode, why that matters, and what to do."""
        state = self.settings.manager.state_dir
        for path, mode, better in (
            (self.settings.token_key, 0o640, "0600"),
            (self.settings.control_socket, 0o666, "0600"),
            (state / "x.db", 0o644, "0600"),
            (state / "archives" / "main" / "keys", 0o750, "0700"),
            (state, 0o755, "0750"),
        ):
            before = path.stat().st_mode & 0o777
            (sentence,) = self.said(path, mode)
            self.assertIn(f"{path} has mode {mode:04o}", sentence)
            self.assertTrue(sentence.endswith(f"chmod {better} {path}"), sentence)
            path.chmod(before)

    def test_password_in_the_configuration(self) -> None:
        """A configuration with a password is for its users."""
        manager = replace(self.settings.manager, database="postgres://farm:secret@db/farm")
        settings = replace(self.settings, manager=manager)
        self.assertEqual([], self.said(self.config, 0o640, settings))
        (sentence,) = self.said(self.config, 0o644, settings)
        self.assertIn("password of the database", sentence)
        self.assertNotIn("secret", sentence)

    def test_before_the_first_start(self) -> None:
        """What does not exist yet is no fault."""
        settings = Settings(manager=ManagerSettings(state_dir=self.home / "nothing"))
        self.assertEqual([], list(open_modes(self.home / "none", settings)))
