"""What Debian's own tools make passes the check; what the tests make, passes Debian's tools."""

import hashlib
import os
import subprocess
from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.packages import deb
from buildfarm.farmtesting.uploadtasks import upload_task
from buildfarm.uploads.check import check_results
from buildfarm.vocab.upload import ResultFile

CONTROL = """Source: greeting
Section: misc
Priority: optional
Maintainer: Farm <farm@example.com>
Standards-Version: 4.6.2

Package: greeting
Architecture: any
Description: greets
 In a test.

Package: greeting-doc
Architecture: all
Description: tells how to greet
 In a test.
"""

RULES = """#!/usr/bin/make -f
%:
\t@:
binary: binary-arch binary-indep
binary-arch:
\tinstall -D -m 644 debian/control debian/greeting/usr/share/greeting/x
\tmkdir debian/greeting/DEBIAN
\tdpkg-gencontrol -pgreeting -Pdebian/greeting
\tdpkg-deb --root-owner-group -Z$(COMPRESSION) --build debian/greeting ..
binary-indep:
\tinstall -D -m 644 debian/control debian/greeting-doc/usr/share/doc/greeting-doc/x
\tmkdir debian/greeting-doc/DEBIAN
\tdpkg-gencontrol -pgreeting-doc -Pdebian/greeting-doc
\tdpkg-deb --root-owner-group -Z$(COMPRESSION) --build debian/greeting-doc ..
"""

CHANGELOG = """greeting ({version}) unstable; urgency=medium{fields}

  * Test.

 -- Farm <farm@example.com>  Thu, 01 Jan 2026 00:00:00 +0000

greeting (1:2.0-1) unstable; urgency=medium

  * Test.

 -- Farm <farm@example.com>  Thu, 01 Jan 2026 00:00:00 +0000
"""


class DebianToolsTest(FarmTestCase):
    """dpkg-buildpackage, and dpkg-deb."""

    def build(
        self, kind: str, version: str = "1:2.0-1", fields: str = "", compression: str = "xz"
    ) -> tuple[ResultFile, ...]:
        """The results of dpkg-buildpackage, as a builder hands them over."""
        home = self.make_directory()
        source = home / "greeting"
        files = {
            "control": CONTROL,
            "rules": RULES,
            "changelog": CHANGELOG.format(version=version, fields=fields),
        }
        for name, text in files.items():
            path = source / "debian" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (source / "debian" / "rules").chmod(0o755)
        command = ["dpkg-buildpackage", "-us", "-uc", "-d", "-rfakeroot", f"--build={kind}"]
        env = {**os.environ, "COMPRESSION": compression}
        done = subprocess.run(command, cwd=source, env=env, capture_output=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return tuple(result(path) for path in sorted(home.iterdir()) if path.is_file())

    def check(self, results: tuple[ResultFile, ...], *, arch_indep: bool) -> list[str]:
        """The packages that the check lets pass, for a build of greeting."""
        native = subprocess.run(
            ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
        ).stdout.strip()
        task = upload_task(
            source="greeting",
            version="1:2.0-1",
            architecture=native,
            arch_indep=arch_indep,
            binaries=("greeting", "greeting-doc"),
        )
        return [package.name for package in check_results(task, results)]

    def test_whole_build(self) -> None:
        """Packages for the architecture and for all, in each of dpkg's compressions."""
        for compression in ("xz", "gzip", "zstd", "none"):
            results = self.build("binary", compression=compression)
            self.assertEqual(["greeting-doc", "greeting"], self.check(results, arch_indep=True))

    def test_parts(self) -> None:
        """Only for the architecture, and only for all."""
        self.assertEqual(["greeting"], self.check(self.build("any"), arch_indep=False))
        self.assertEqual(["greeting-doc"], self.check(self.build("all"), arch_indep=True))

    def test_rebuild(self) -> None:
        """A rebuild without changes, with a version of its own."""
        results = self.build("any", "1:2.0-1+b3", ", binary-only=yes")
        self.assertEqual(["greeting"], self.check(results, arch_indep=False))

    def test_packages_of_tests_are_packages(self) -> None:
        """dpkg-deb takes the packages that tests make for packages."""
        path = self.make_directory() / "hello.deb"
        path.write_bytes(deb(files={"./usr/share/hello/greeting": b"hello\n"}))
        for option in ("--info", "--contents", "--fsys-tarfile"):
            subprocess.run(["dpkg-deb", option, path], check=True, capture_output=True)


def result(path: Path) -> ResultFile:
    """A file as gathered."""
    content = path.read_bytes()
    return ResultFile(path.name, path, len(content), hashlib.sha256(content).hexdigest())
