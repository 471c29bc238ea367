"""Lists of builds and builders, in parts, as far as a visitor may see them."""

from buildfarm.storage import builds, listings, roster
from buildfarm.storage.listings import BuildFilter
from buildfarm.vocab.states import BuildState
from tests.unit.storage.cases import StorageTestCase

NOBODY: frozenset[str] = frozenset()


class ListingTestCase(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.add_archive("secret", private=True)

    def listed(self, start: int = 0, size: int = 50, **wanted: object) -> tuple[list[int], int]:
        """The numbers of the builds of one part, and how many there are."""
        chosen = BuildFilter(**wanted)  # type: ignore[arg-type]
        part = self.ask(listings.builds_part, chosen, start, size)
        return [one.build.id for one in part.items], part.total


class BuildTests(ListingTestCase):
    def test_parts(self) -> None:
        """The newest come first; every part says how many there are, also one behind the end."""
        ids = [self.submit(f"p{number}") for number in range(5)]
        self.assertEqual((ids[:2:-1], 5), self.listed(0, 2))
        self.assertEqual((ids[0:1], 5), self.listed(4, 2))
        self.assertEqual(([], 5), self.listed(7, 2))
        self.assertEqual(([], 5), self.listed(0, 0))

    def test_what_belongs_to_private_archives(self) -> None:
        """It is listed, and counted, for those only who may see it."""
        public, secret = self.submit(), self.submit(archive="secret")
        self.assertEqual(([public], 1), self.listed())
        self.assertEqual(([secret, public], 2), self.listed(seen=frozenset({"secret", "none"})))
        self.assertEqual(([secret, public], 2), self.listed(seen=None))
        self.assertEqual(([], 0), self.listed(archive="secret"))
        found = self.ask(listings.listed_build, secret)
        assert found is not None
        self.assertTrue(found.private)

    def test_filters(self) -> None:
        """Builds fit everything that is asked for."""
        hello = self.submit("hello", "1", ("amd64", "arm64"))
        newer = self.submit("hello", "2", suite="bookworm-security")
        other = self.submit("other", "1")
        self.act(builds.cancel, other, "ann", self.now())
        for wanted, ids in (
            ({"source": "hello"}, [newer, hello + 1, hello]),
            ({"source": "hello", "version": "1"}, [hello + 1, hello]),
            ({"suite": "bookworm-security"}, [newer]),
            ({"pocket": "security"}, [newer]),
            ({"states": frozenset({BuildState.CANCELLED})}, [other]),
            ({"states": frozenset()}, []),
            ({"archive": "main", "source": "other", "version": "2"}, []),
        ):
            self.assertEqual((ids, len(ids)), self.listed(**wanted))

    def test_what_is_known_of_one(self) -> None:
        """Its score while it is queued, and the builder that it was given to last."""
        build_id = self.submit(score=7)
        found = self.ask(listings.listed_build, build_id)
        assert found is not None
        self.assertEqual((7, None), (found.score, found.builder))
        order = self.start(self.add_builder("bob"))
        self.lose(order)
        self.start(self.add_builder("zoe"))
        found = self.ask(listings.listed_build, build_id)
        assert found is not None
        self.assertEqual("zoe", found.builder)
        self.assertIsNone(self.ask(listings.listed_build, build_id + 1))

    def test_those_of_a_builder(self) -> None:
        """Every build that it was ever given, once."""
        bob = self.add_builder("bob")
        build_id = self.submit()
        self.lose(self.start(bob))
        self.start(bob)
        self.submit("other")
        self.assertEqual(([build_id], 1), self.listed(builder_id=bob.id))


class BuilderTests(ListingTestCase):
    def test_parts(self) -> None:
        """By name, without those that were removed; those are still found by name."""
        for name in ("zoe", "bob", "eve"):
            self.add_builder(name)
        self.act(roster.remove_builder, "eve", False, "ann", self.now())
        part = self.ask(listings.builders_part, NOBODY, 0, 10)
        self.assertEqual(
            (["bob", "zoe"], 2), ([one.builder.name for one in part.items], part.total)
        )
        part = self.ask(listings.builders_part, NOBODY, 1, 10)
        self.assertEqual((["zoe"], 2), ([one.builder.name for one in part.items], part.total))
        removed = self.ask(listings.listed_builder, "eve", NOBODY)
        assert removed is not None
        self.assertFalse(removed.builder.active)
        self.assertIsNone(self.ask(listings.listed_builder, "none", NOBODY))

    def test_what_they_build(self) -> None:
        """It is told to those only who may see its archive."""
        bob = self.add_builder("bob")
        build_id = self.submit(archive="secret")
        self.start(bob)
        for seen, told in ((NOBODY, None), (frozenset({"secret"}), build_id), (None, build_id)):
            found = self.ask(listings.listed_builder, "bob", seen)
            assert found is not None
            self.assertEqual(told, found.build and found.build.id)
            self.assertEqual(told is None, found.hides)
            part = self.ask(listings.builders_part, seen, 0, 10)
            self.assertEqual(found, part.items[0])
