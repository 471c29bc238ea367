"""Which part of a collection is asked for, and the links to the parts beside it."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.errors import Refused
from buildfarm.webservice.batches import DEFAULT_SIZE, MOST, Batch, batch, page

URL = "http://farm.test/devel/builders"


def part(total: int, wanted: Batch, **query: str) -> dict[str, Any]:
    """The page of a collection of the numbers below `total`."""
    entries = [{"number": number} for number in range(total)][wanted.start :][: wanted.size]
    return {**page(len(entries), total, wanted, URL, query), "entries": entries}


def asked(link: str) -> dict[str, str]:
    """The query of a link."""
    return dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))


class AskedTests(FarmTestCase):
    def test_what_clients_leave_out(self) -> None:
        """From the first entry on, as many as Launchpad gives."""
        self.assertEqual(Batch(0, DEFAULT_SIZE), batch({}))
        self.assertEqual(Batch(20, DEFAULT_SIZE), batch({"ws.start": "20"}))

    @given(st.text(max_size=20) | st.integers(-5, 10**10).map(str), st.integers(0, 400))
    def test_any_query_is_a_batch_or_refused(self, start: str, size: int) -> None:
        """Whatever is sent, what is asked of the database has bounds."""
        try:
            found = batch({"ws.start": start, "ws.size": str(size)})
        except Refused:
            return
        self.assertTrue(0 <= found.start < 10**9)
        self.assertTrue(0 <= found.size <= MOST)

    def test_a_refusal_names_what_was_sent(self) -> None:
        """The client learns which of the two is wrong."""
        for query, sentence in (
            ({"ws.size": "301"}, "ws.size is 301; the most is 300."),
            ({"ws.start": "²"}, "ws.start is '²': it must be a whole number."),
        ):
            refused = self.assertRaises(Refused, batch, query)
            self.assertEqual(sentence, str(refused))


class PageTests(FarmTestCase):
    @given(st.integers(0, 60), st.integers(1, 20))
    def test_following_the_links_meets_every_entry_once(self, total: int, size: int) -> None:
        """Forwards, and from the end backwards."""
        shown = part(total, Batch(0, size))
        found = list(shown["entries"])
        while "next_collection_link" in shown:
            shown = part(total, batch(asked(shown["next_collection_link"])))
            found += shown["entries"]
        self.assertEqual(list(range(total)), [one["number"] for one in found])
        back = list(shown["entries"])
        while "prev_collection_link" in shown:
            shown = part(total, batch(asked(shown["prev_collection_link"])))
            back = shown["entries"] + back
        self.assertEqual(found, back)

    @given(st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=4))
    def test_links_keep_what_else_was_asked(self, query: dict[str, str]) -> None:
        """A named operation goes on with its arguments, whatever characters they have."""
        shown = part(100, Batch(10, 10), **query)
        for link in (shown["next_collection_link"], shown["prev_collection_link"]):
            others = {name: value for name, value in query.items() if name not in OWN}
            got = asked(link)
            self.assertEqual(others, {name: got[name] for name in got if name not in OWN})

    def test_behind_the_end(self) -> None:
        """A part that begins where nothing is left is empty, and leads back."""
        shown = part(5, Batch(50, 10))
        self.assertEqual(([], 5), (shown["entries"], shown["total_size"]))
        self.assertNotIn("next_collection_link", shown)
        self.assertEqual("40", asked(shown["prev_collection_link"])["ws.start"])

    def test_no_entries_wanted(self) -> None:
        """`ws.size=0` leads nowhere, least of all to itself."""
        shown = part(5, Batch(0, 0))
        self.assertEqual({"start": 0, "total_size": 5, "entries": []}, shown)


OWN = ("ws.start", "ws.size")
