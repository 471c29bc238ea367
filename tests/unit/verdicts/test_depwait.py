"""Whether what a build waits for is there: relations, and packages on offer."""

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.verdicts.depwait import look, names_in, read_relations
from buildfarm.vocab.depwait import Candidate

FOO = Candidate("foo", "1.2-3")
ALLOWED = Candidate("foo", "1.2-3", "allowed")
FOREIGN = Candidate("foo", "1.2-3", "foreign")
PROVIDED = Candidate("foo", None, by="bar")
PROVIDED_AS = Candidate("foo", "1.2", by="bar")

#: What is asked for, what there is, and whether that will do on amd64.
TABLE = (
    ("foo", (), False),
    ("foo", (FOO,), True),
    ("foo (>= 1.2)", (FOO,), True),
    ("foo (>= 1.2-3)", (FOO,), True),
    ("foo (>> 1.2-3)", (FOO,), False),
    ("foo (>= 1:1)", (FOO,), False),
    ("foo (= 1.2-3)", (FOO,), True),
    ("foo (<< 1.2)", (FOO,), False),
    ("foo (<= 1.2-3~)", (FOO,), False),
    ("foo(>=1.2)", (FOO,), True),
    ("foo (<< 2), foo (>> 1)", (FOO,), True),
    ("foo (>= 2) | foo (<< 1)", (FOO,), False),
    ("bar | foo", (FOO,), True),
    ("bar, foo", (FOO,), False),
    ("foo:any", (FOO,), False),
    ("foo:any", (FOREIGN,), False),
    ("foo:any (>= 1)", (ALLOWED,), True),
    ("foo:native", (FOO,), True),
    ("foo:amd64", (FOO,), True),
    ("foo:arm64", (FOO,), False),
    ("foo", (PROVIDED,), True),
    ("foo (>= 1)", (PROVIDED,), False),
    ("foo (>= 1)", (PROVIDED_AS,), True),
    ("foo (>= 2)", (PROVIDED_AS, FOO), False),
    ("foo (>= 1.2-1)", (PROVIDED_AS, FOO), True),
    ("bar [arm64], foo", (FOO,), True),
    ("bar [!amd64], foo", (FOO,), True),
    ("bar [linux-any], foo", (FOO,), False),
    ("bar [any-arm64 hurd-any], foo", (FOO,), True),
    ("bar <!nocheck>, foo", (FOO,), False),
    ("bar <nocheck>, foo", (FOO,), True),
    ("bar <nocheck> <!cross>, foo", (FOO,), False),
    ("foo,", (FOO,), True),
    ("foo (>= 1.2)", (Candidate("foo", "no version at all"),), False),
)


class TestLook(FarmTestCase):
    def test_table(self) -> None:
        """Each relation is fulfilled by just what apt would take for it."""
        for text, offered, expected in TABLE:
            groups = read_relations(text, "amd64")
            assert groups is not None, text
            found = look(groups, {"foo": offered}, "amd64")
            self.assertEqual(expected, found.found, f"{text} with {offered}")

    def test_sentences(self) -> None:
        """The finding names what is there and what is not, with what there is instead."""
        groups = read_relations("foo (>= 2) | baz, bar", "amd64")
        assert groups is not None
        self.assertEqual(
            "Not there: foo (>= 2) | baz (there is foo 1.2-3), bar.",
            look(groups, {"foo": (FOO,)}, "amd64").sentence,
        )
        groups = read_relations("foo", "amd64")
        assert groups is not None
        self.assertEqual(
            "There by now: foo (provided by bar).",
            look(groups, {"foo": (PROVIDED,)}, "amd64").sentence,
        )


class TestReading(FarmTestCase):
    def test_names(self) -> None:
        """Every alternative that counts is looked for."""
        groups = read_relations("a1 (>= 1) | b1:any, c1 [arm64], d1 <nocheck>", "amd64")
        assert groups is not None
        self.assertEqual({"a1", "b1"}, names_in(groups))

    def test_nonsense(self) -> None:
        """What is no relation is not guessed at."""
        for text in ("", " , ", "foo (1.2)", "foo (>= )", "foo bar", "a" * 20_000, "foo (>= 1 2)"):
            self.assertIs(None, read_relations(text, "amd64"), text)

    def test_white_space(self) -> None:
        """White space costs no more than it is long: tried in every way, this takes hours."""
        space = " \n" * 4000
        for text in (f"foo{space}!", f"foo (>= 1){space}[amd64{space}", f"foo <!a>{space}!"):
            self.assertIs(None, read_relations(text, "amd64"))
        groups = read_relations(f"{space}foo", "amd64")
        assert groups is not None
        self.assertEqual({"foo"}, names_in(groups))

    def test_bounded(self) -> None:
        """Nor is a text that names more than a build-dependency field does."""
        self.assertIs(None, read_relations(", ".join(f"p{n}" for n in range(200)), "amd64"))

    @given(st.text(max_size=60))
    def test_anything(self, text: str) -> None:
        """Whatever a builder sends is understood or not, and then looked for."""
        groups = read_relations(text, "amd64")
        if groups is not None:
            look(groups, {}, "amd64")

    @given(st.sampled_from([row[0] for row in TABLE]), st.sampled_from(["amd64", "arm64"]))
    def test_written_again(self, text: str, architecture: str) -> None:
        """Relations written out and read again are the same."""
        groups = read_relations(text, architecture)
        if groups is not None:
            again = ", ".join(" | ".join(map(str, group)) for group in groups)
            self.assertEqual(groups, read_relations(again, architecture))
