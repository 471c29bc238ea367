"""Submissions: taken whole, or refused with neither rows nor files left behind."""

import hashlib

from buildfarm.storage import builds
from tests.functional.admin.cases import VerbTestCase

TARBALL = b"tarball " * 1000


def package(
    version: str = "1.0", architecture: str = "any all", tarball: bytes = TARBALL
) -> dict[str, bytes]:
    """The files of a source package, the `.dsc` first."""
    name = f"hello_{version}.tar.xz"
    dsc = (
        f"Source: hello\nVersion: {version}\nArchitecture: {architecture}\nBinary: hello\n"
        f"Checksums-Sha256:\n {hashlib.sha256(tarball).hexdigest()} {len(tarball)} {name}\n"
    )
    return {f"hello_{version}.dsc": dsc.encode(), name: tarball}


class TestSubmit(VerbTestCase):
    async def test_builds_wait(self) -> None:
        """One build per architecture waits, asked for by who submitted it; every file is kept."""
        files = package()
        found = await self.do("submit", files, archive="main", suite="bookworm", score=7)
        self.assertEqual(
            [("amd64", True), ("arm64", False), ("i386", False)],
            [(one["architecture"], one["arch_indep"]) for one in found],
        )
        self.assertEqual(
            {("NEEDSBUILD", "alice", "hello", "1.0")},
            {(one["state"], one["requester"], one["source"], one["version"]) for one in found},
        )
        digests = {hashlib.sha256(content).hexdigest() for content in files.values()}
        self.assertEqual(digests, {path.name for path in self.kept()})
        entry = (await self.do("build.show", build_id=found[0]["id"]))["queue"]
        self.assertEqual(7, entry["score"])

    async def test_only_some_architectures(self) -> None:
        """Only the architectures asked for."""
        found = await self.do(
            "submit", package(), archive="main", suite="bookworm", architectures=["i386"]
        )
        self.assertEqual(["i386"], [one["architecture"] for one in found])

    async def refused(self, sentence: str, files: dict[str, bytes], **params: object) -> None:
        """Assert that this is refused so, and leaves nothing behind."""
        before = set(self.kept()), await self.transactor.read(builds.builds)
        params = {"archive": "main", "suite": "bookworm", **params}
        self.assertEqual(sentence, await self.refusal("submit", files, **params))
        self.assertEqual(before, (set(self.kept()), await self.transactor.read(builds.builds)))

    async def test_unknown_archive(self) -> None:
        """An archive that is not there."""
        await self.refused("There is no archive 'none' (known: main).", package(), archive="none")

    async def test_unknown_suite(self) -> None:
        """A suite that the archive does not have."""
        await self.refused(
            "The archive main has no suite 'sid' (it has: bookworm, bookworm-security).",
            package(),
            suite="sid",
        )

    async def test_unknown_architecture(self) -> None:
        """An architecture that the archive does not have."""
        await self.refused(
            "The archive main has no architecture riscv64; it has amd64, arm64, i386.",
            package(),
            architectures=["riscv64"],
        )

    async def test_nothing_to_build(self) -> None:
        """A package for other architectures."""
        await self.refused(
            "hello is for hurd-any: nothing to build on amd64, arm64, i386 in the archive main.",
            package(architecture="hurd-any"),
        )

    async def test_no_chroot(self) -> None:
        """A series without a chroot."""
        self.add_archive("next", suites=("trixie",))
        await self.refused(
            "There is no chroot for debian/trixie/amd64; set one with "
            "`buildd-manager chroot set debian/trixie/amd64 FILE`.",
            package(),
            archive="next",
            suite="trixie",
        )

    async def test_duplicate(self) -> None:
        """The same version again."""
        await self.do("submit", package(), archive="main", suite="bookworm")
        sentence = await self.refusal("submit", package(), archive="main", suite="bookworm")
        await self.refused(sentence, package())
        self.assertIn("hello 1.0", sentence)

    async def test_same_version_with_other_contents(self) -> None:
        """The same version with other contents; the new contents are not kept."""
        await self.do("submit", package(), archive="main", suite="bookworm")
        other = package(tarball=b"other")
        sentence = await self.refusal("submit", other, archive="main", suite="bookworm")
        await self.refused(sentence, other)
        self.assertIn("with other contents", sentence)

    async def test_bad_files(self) -> None:
        """A file that is missing, wrong or not named, and no file at all."""
        await self.refused(
            "hello_1.0.dsc names hello_1.0.tar.xz, which is not there.",
            {"hello_1.0.dsc": package()["hello_1.0.dsc"]},
        )
        await self.refused(
            "hello_1.0.tar.xz does not have the SHA-256 that hello_1.0.dsc says.",
            {**package(), "hello_1.0.tar.xz": TARBALL[::-1]},
        )
        await self.refused(
            "A submission brings its .dsc and every file that it names, each once.", {}
        )

    async def test_score(self) -> None:
        """A score that no queue holds."""
        await self.refused(
            "The score 2000000000 is not between -1000000000 and 1000000000.",
            package(),
            score=2_000_000_000,
        )
