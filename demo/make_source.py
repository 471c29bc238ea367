#!/usr/bin/python3
"""Builds the source package of an unpacked native package: its .dsc and what it names.

    demo/make_source.py demo/packages/farm-greeting DIRECTORY

prints the path of the .dsc. Needs `dpkg-source`; the same input gives the same bytes.
"""

import subprocess
import sys
from pathlib import Path


def make_source(package: Path, destination: Path) -> Path:
    """Build the source package of the directory `package` into `destination`; returns the .dsc.

    Raises `subprocess.CalledProcessError`, with what dpkg-source said, if it cannot be built.
    """
    build = ["dpkg-source", "--build", str(package.resolve())]
    told = subprocess.run(build, cwd=destination, check=True, capture_output=True, text=True)
    names = (line.split()[-1] for line in told.stdout.splitlines())
    return destination / next(name for name in names if name.endswith(".dsc"))


def main() -> None:
    """Run as a command: PACKAGE DESTINATION."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} PACKAGE DESTINATION")
    try:
        print(make_source(Path(sys.argv[1]), Path(sys.argv[2])))
    except subprocess.CalledProcessError as error:
        sys.exit(f"dpkg-source could not build {sys.argv[1]}: {error.stderr.strip()}")


if __name__ == "__main__":
    main()
