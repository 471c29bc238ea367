"""apt with a configuration of its own: fetches sources and packages, touches nothing of the system.

`apt-get source` needs source entries, which most machines lack; they are made here from the
machine's own package sources, so that no address is written anywhere in this tree.
"""

import re
import subprocess
from pathlib import Path

_SYSTEM = Path("/etc/apt")


class PrivateApt:
    """apt in `home`, with `sources` as its only entries, in deb822 form."""

    def __init__(self, home: Path, sources: str) -> None:
        self._home = home
        for part in ("etc/sources.list.d", "state/lists/partial", "cache/archives/partial"):
            (home / part).mkdir(parents=True, exist_ok=True)
        (home / "etc/sources.list.d/only.sources").write_text(sources)
        (home / "state/status").touch()
        options = {
            "Dir::Etc": home / "etc",
            "Dir::Etc::Parts": "/nonexistent",
            "Dir::Etc::Trusted": _SYSTEM / "trusted.gpg",
            "Dir::Etc::TrustedParts": _SYSTEM / "trusted.gpg.d",
            "Dir::State": home / "state",
            "Dir::State::Status": home / "state/status",
            "Dir::Cache": home / "cache",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        self._options = [f"--option={name}={value}" for name, value in options.items()]

    def run(self, *arguments: str, directory: Path) -> None:
        """`apt-get` with these arguments in `directory`.

        Raises `subprocess.CalledProcessError`, with what apt said, where it fails.
        """
        subprocess.run(
            ["apt-get", "--quiet", *self._options, *arguments],
            cwd=directory,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def fetch_source(self, package: str, directory: Path) -> Path:
        """Download the source package into `directory`; its .dsc."""
        self.run("update", directory=directory)
        self.run("source", "--download-only", package, directory=directory)
        return next(directory.glob("*.dsc"))

    def fetch_binary(self, package: str, directory: Path) -> Path:
        """Download the binary package into `directory`; the .deb."""
        self.run("update", directory=directory)
        self.run("download", package, directory=directory)
        return next(directory.glob(f"{package}_*.deb"))


def system_sources() -> str:
    """The machine's own main Debian sources, as entries for source packages in deb822 form."""
    entries: list[str] = []
    for path in sorted((_SYSTEM / "sources.list.d").glob("*.sources")):
        for paragraph in re.split(r"\n\s*\n", path.read_text()):
            entry = _as_source_entry(paragraph)
            if entry:
                entries.append(entry)
    lists = [_SYSTEM / "sources.list", *sorted((_SYSTEM / "sources.list.d").glob("*.list"))]
    for path in lists:
        if path.exists():
            entries += filter(None, map(_from_line, path.read_text().splitlines()))
    return "\n".join(entries)


def _as_source_entry(paragraph: str) -> str | None:
    """A deb822 entry of Debian itself, for source packages; None for others and disabled ones."""
    lines = [line for line in paragraph.splitlines() if not line.startswith("#")]
    fields = {line.partition(":")[0].strip().lower(): line for line in lines}
    if "debian-archive-keyring" not in fields.get("signed-by", ""):
        return None
    kept = [line for line in lines if not line.lower().startswith(("types:", "architectures:"))]
    return "\n".join(["Types: deb-src", *kept]) + "\n"


def _from_line(line: str) -> str | None:
    """A `deb` line of the old form; only those of Debian's own archive keyring."""
    match = re.fullmatch(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)", line.strip())
    if match is None:
        return None
    options, uri, suite, components = match.groups()
    if "signed-by" in (options or "") and "debian-archive-keyring" not in options:
        return None
    return f"Types: deb-src\nURIs: {uri}\nSuites: {suite}\nComponents: {components}\n"
