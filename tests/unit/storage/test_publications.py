"""Source publications: the builds of one source in one suite, as one thing."""

from buildfarm.storage import publications
from buildfarm.storage.publications import PublicationFilter
from tests.unit.storage.cases import StorageTestCase


class PublicationTests(StorageTestCase):
    def listed(self, start: int = 0, size: int = 50, **wanted: object) -> tuple[list[str], int]:
        """The titles of one part, and how many there are."""
        chosen = PublicationFilter(**wanted)  # type: ignore[arg-type]
        found, total = self.ask(publications.publications, chosen, start, size)
        return [f"{one.source} {one.version} {one.suite}" for one in found], total

    def test_one_for_all_architectures(self) -> None:
        """Its number is its first build's, under which it is found; under others nothing is."""
        first = self.submit("hello", "1.0-1", ("amd64", "arm64", "i386"))
        [found], total = self.ask(publications.publications, PublicationFilter(), 0, 50)
        self.assertEqual((first, 1), (found.id, total))
        self.assertEqual(found, self.ask(publications.publication, first))
        for other in (first + 1, first + 100):
            self.assertIsNone(self.ask(publications.publication, other))
        self.assertEqual(
            ("debian", "main", False, "bookworm", "release", "hello", "1.0-1", self.now()),
            (
                found.distribution,
                found.archive,
                found.private,
                found.series,
                found.pocket,
                found.source,
                found.version,
                found.created,
            ),
        )

    def test_parts(self) -> None:
        """The newest come first; every part says how many there are, also one behind the end."""
        for name in ("a", "b", "c"):
            self.submit(name, "1", ("amd64", "arm64"))
        self.assertEqual((["c 1 bookworm", "b 1 bookworm"], 3), self.listed(0, 2))
        self.assertEqual((["a 1 bookworm"], 3), self.listed(2, 2))
        self.assertEqual(([], 3), self.listed(5, 2))

    def test_filters(self) -> None:
        """Publications fit everything that is asked for; a part of a name is just that."""
        self.submit("hello", "1")
        self.submit("hello", "2", suite="bookworm-security")
        self.submit("hello_x", "1")
        for wanted, titles in (
            ({"source": "hello"}, ["hello 2 bookworm-security", "hello 1 bookworm"]),
            ({"source": "hello", "version": "1"}, ["hello 1 bookworm"]),
            ({"source_part": "lo_"}, ["hello_x 1 bookworm"]),
            ({"source_part": "%"}, []),
            ({"pocket": "security"}, ["hello 2 bookworm-security"]),
            ({"series": "trixie"}, []),
            ({"archive": "other"}, []),
        ):
            self.assertEqual((titles, len(titles)), self.listed(**wanted))

    def test_what_belongs_to_private_archives(self) -> None:
        """It is listed, and counted, for those only who may see it; and says that it is private."""
        self.add_archive("secret", private=True)
        number = self.submit(archive="secret")
        self.assertEqual(([], 0), self.listed())
        self.assertEqual(1, self.listed(seen=frozenset({"secret"}))[1])
        self.assertEqual(1, self.listed(seen=None)[1])
        found = self.ask(publications.publication, number)
        assert found is not None
        self.assertTrue(found.private)
