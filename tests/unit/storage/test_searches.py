"""Builds looked for by name."""

from buildfarm.storage.searches import search_builds
from tests.unit.storage.cases import StorageTestCase


class SearchTests(StorageTestCase):
    def found(
        self, prefix: str, seen: frozenset[str] | None = frozenset(), start: int = 0
    ) -> list[str]:
        """What is found, as words."""
        return [
            f"{one.source} {one.version} {one.architecture}"
            for one in self.ask(search_builds, prefix, seen, start, 3)
        ]

    def test_by_the_beginning_of_the_name(self) -> None:
        """In order of names, then architectures, the newest first; a part at a time."""
        self.submit("zlib")
        self.submit("libb", "1.0-1", ("amd64", "arm64"))
        self.submit("libb", "2.0-1")
        self.submit("lib")
        self.assertEqual(
            ["lib 1.0-1 amd64", "libb 2.0-1 amd64", "libb 1.0-1 amd64"], self.found("lib")
        )
        self.assertEqual(["libb 1.0-1 arm64"], self.found("lib", start=3))
        self.assertEqual([], self.found("x"))

    def test_private_ones_are_found_by_who_may_see_them(self) -> None:
        """By nobody else."""
        self.add_archive("secret", private=True)
        self.submit("hidden", archive="secret")
        self.assertEqual([], self.found("hidden"))
        for seen in (frozenset({"secret"}), None):
            self.assertEqual(["hidden 1.0-1 amd64"], self.found("hidden", seen))
