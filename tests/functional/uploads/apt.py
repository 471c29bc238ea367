"""apt with a configuration of its own, which reads nothing but the test's archive."""

import os
import subprocess

from tests.functional.uploads.publishing import PublishingTestCase

CONFIGURATION = """
Dir "{apt}";
Dir::State::status "{apt}/status";
Dir::Etc::sourcelist "{apt}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::trusted "{apt}/trusted.gpg";
Dir::Etc::trustedparts "{apt}/trusted";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
"""


class AptTestCase(PublishingTestCase):
    """`apt-get` and `apt-cache` for the archive that the test publishes into."""

    def setUp(self) -> None:
        super().setUp()
        self.apt = self.home / "apt"
        for name in (
            "trusted",
            "state/lists/partial",
            "cache/archives/partial",
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
        ):
            (self.apt / name).mkdir(parents=True)
        (self.apt / "status").touch()
        lines = CONFIGURATION.format(apt=self.apt)
        lines += f'Dir::State "{self.apt}/state";\nDir::Cache "{self.apt}/cache";\n'
        (self.apt / "apt.conf").write_text(lines)
        self.use_source("[trusted=yes]")

    def use_source(self, options: str, suite: str = "bookworm") -> None:
        """Have apt read the archive, with these options."""
        line = f"deb {options} file:{self.root}/public {suite} main\n"
        (self.apt / "sources.list").write_text(line)

    def apt_get(self, *arguments: str) -> str:
        """What `apt-get` says; it must succeed, without warnings."""
        said = self._run("apt-get", "-q", *arguments)
        self.assertNotIn("\nW:", f"\n{said}")
        return said

    def apt_cache(self, *arguments: str) -> str:
        """What `apt-cache` says."""
        return self._run("apt-cache", *arguments)

    def _run(self, *command: str) -> str:
        env = {**os.environ, "APT_CONFIG": str(self.apt / "apt.conf"), "LC_ALL": "C"}
        done = subprocess.run(
            command, cwd=self.apt, env=env, text=True, capture_output=True, check=False
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout + done.stderr
