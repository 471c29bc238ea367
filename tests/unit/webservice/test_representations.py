"""Entries as JSON, and their ETags."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.catalogue import BOOK, Book
from buildfarm.vocab.states import BuildState
from buildfarm.webservice.declarations import REDACTED, EntryType, Field, Kind
from buildfarm.webservice.representations import (
    document,
    entry,
    link,
    same_to_write,
    with_entries,
    written,
)

ROOT = "http://farm.test/devel/"

EMMA = Book("emma")

books = st.builds(
    Book,
    name=st.text(),
    note=st.none() | st.text(),
    readers=st.integers(),
    bought=st.datetimes(),
)


def shown(book: Book) -> dict[str, Any]:
    """A book as it is sent."""
    return entry(BOOK, book, ROOT)


class EntryTests(FarmTestCase):
    @given(books)
    def test_every_entry_is_json(self, book: Book) -> None:
        """What is sent is read back as it was, times in UTC."""
        read = json.loads(document(shown(book)))
        self.assertEqual((book.name, book.note), (read["name"], read["note"]))
        self.assertEqual(book.bought.replace(tzinfo=UTC), datetime.fromisoformat(read["bought"]))

    @given(books)
    def test_what_is_written_again(self, book: Book) -> None:
        """Equal subjects are written once; others are not."""
        for one in (book, replace(book)):
            found = written(BOOK, one, ROOT)
            self.assertEqual(document(shown(book)), found.body)
            self.assertEqual(shown(book)["http_etag"], found.etag)
        other = written(BOOK, replace(book, readers=book.readers + 1), ROOT)
        self.assertNotEqual(found.etag, other.etag)

    def test_pages(self) -> None:
        """Entries that were written stand in the JSON of their page."""
        one = written(BOOK, EMMA, ROOT)
        page = json.loads(with_entries({"start": 0}, [one.body, one.body]))
        expected = json.loads(document(shown(EMMA)))
        self.assertEqual({"start": 0, "entries": [expected, expected]}, page)
        self.assertEqual({"start": 0, "entries": []}, json.loads(with_entries({"start": 0}, [])))

    def test_links(self) -> None:
        """They begin with the root that was asked; what leads nowhere is null."""
        self.assertEqual(None, shown(EMMA)["after_link"])
        after = shown(replace(EMMA, after="persuasion"))
        self.assertEqual(f"{ROOT}books/persuasion", after["after_link"])
        self.assertEqual(f"{ROOT}books", link(ROOT, "/books"))

    def test_what_is_private(self) -> None:
        """It is there for those who may see it, and else only that it is there; so is a link."""
        hidden = Field("after", lambda one: REDACTED, "Next.", Kind.LINK)
        thing = EntryType("thing", "A thing.", lambda one: "thing", (hidden,))
        self.assertEqual(REDACTED, entry(thing, None, ROOT)["after_link"])
        self.assertEqual(7, shown(EMMA)["price"])
        self.assertEqual(REDACTED, shown(replace(EMMA, price=REDACTED))["price"])

    def test_what_has_no_place_in_json(self) -> None:
        """A declaration that reads something else is a fault that shows."""
        self.assertRaises(TypeError, document, {"value": object()})

    def test_plain_values(self) -> None:
        """Durations are seconds, states their values, sets in order."""
        value = [timedelta(minutes=2), BuildState.NEEDSBUILD, {"b", "a"}, ("b", "a")]
        self.assertEqual(
            [120.0, BuildState.NEEDSBUILD.value, ["a", "b"], ["b", "a"]],
            json.loads(document(value)),
        )


class ETagTests(FarmTestCase):
    @given(books, books)
    def test_it_tells_entries_apart(self, one: Book, other: Book) -> None:
        """The same ETag is the same representation, and the other way round."""
        same = shown(one)["http_etag"] == shown(other)["http_etag"]
        self.assertEqual(
            same, document({**shown(one), **IDENTITY}) == document({**shown(other), **IDENTITY})
        )

    @given(st.integers(), st.text())
    def test_a_write_looks_at_what_is_writable(self, readers: int, note: str) -> None:
        """Values that move by themselves do not refuse it; another's write does."""
        before = shown(EMMA)["http_etag"]
        self.assertTrue(same_to_write(shown(replace(EMMA, readers=readers))["http_etag"], before))
        other = shown(replace(EMMA, note=note))["http_etag"]
        self.assertFalse(same_to_write(other, before))

    def test_a_write_does_not_look_at_what_moves(self) -> None:
        """What people write and the farm changes by itself is shown, and refuses no write."""
        moving = Field("status", lambda one: one, "Its status.", writable=True, moves=True)
        kind = EntryType("thing", "A thing.", lambda one: "thing", (moving,))
        before, after = (entry(kind, one, ROOT)["http_etag"] for one in ("Dirty", "Clean"))
        self.assertNotEqual(before, after)
        self.assertTrue(same_to_write(after, before))

    @given(st.text())
    def test_any_condition_is_read(self, wanted: str) -> None:
        """What is no ETag of ours fits nothing; `*` fits everything, a proxy's `W/` is forgiven."""
        etag = shown(EMMA)["http_etag"]
        self.assertEqual(wanted == "*", same_to_write(etag, wanted))
        self.assertTrue(same_to_write(etag, f"W/{etag}"))


IDENTITY = {"http_etag": ""}
