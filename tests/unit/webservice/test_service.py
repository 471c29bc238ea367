"""What the web service answers, whatever it offers."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from testtools.matchers import Contains, ContainsDict, Equals

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.catalogue import Book, Shelf, library
from buildfarm.vocab.access import ANYBODY, BUILDD_ADMINS, AccessLevel, Visitor
from buildfarm.webservice.answers import Reply
from buildfarm.webservice.declarations import REDACTED
from buildfarm.webservice.requests import Asked

ROOT = "http://farm.test/devel/"
ADMINS = frozenset({BUILDD_ADMINS})
READER = Visitor("ann", ADMINS, AccessLevel.READ)
WRITER = Visitor("ann", ADMINS, AccessLevel.WRITE)


class ServiceTestCase(FarmTestCase):
    """Asks a service over one shelf."""

    def setUp(self) -> None:
        super().setUp()
        self.shelf = Shelf()
        self.service = library(self.shelf)

    async def ask(self, method: str, address: str, **details: Any) -> Reply:
        """Ask for `address` below the root, as whom and with what `details` say."""
        parts = urlsplit(address)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        return await self.service.answer(Asked(method, ROOT, parts.path, query, **details))

    async def get(self, address: str, **details: Any) -> Any:
        """The JSON at `address`."""
        reply = await self.ask("GET", address, **details)
        self.assertThat(reply.status, Equals(200), reply.body.decode())
        return json.loads(reply.body)

    async def patch(self, address: str, values: Any, **headers: str) -> Reply:
        """Change an entry as somebody who may."""
        sent = {"content-type": "application/json", **headers}
        body = json.dumps(values).encode()
        return await self.ask("PATCH", address, visitor=WRITER, headers=sent, body=body)


class EntryTests(ServiceTestCase):
    """One entry: shown and changed."""

    def setUp(self) -> None:
        super().setUp()
        self.shelf.add(Book("emma", after="persuasion"))

    async def test_an_entry_says_who_it_is_and_what_it_links_to(self) -> None:
        """Links are URLs below the root that was asked, times are ISO 8601 in UTC."""
        shown = await self.get("/books/emma")
        self.assertThat(
            shown,
            ContainsDict(
                {
                    "self_link": Equals(f"{ROOT}books/emma"),
                    "resource_type_link": Equals(f"{ROOT}#book"),
                    "after_link": Equals(f"{ROOT}books/persuasion"),
                    "series_collection_link": Equals(f"{ROOT}books"),
                    "bought": Equals("2026-01-02T03:04:05+00:00"),
                }
            ),
        )

    async def test_what_is_private_is_redacted(self) -> None:
        """A value that the visitor may not see is replaced by the tag that clients know."""
        self.shelf.add(Book("emma", price=REDACTED))
        shown = await self.get("/books/emma")
        self.assertThat(shown["price"], Equals("tag:launchpad.net:2008:redacted"))

    async def test_what_has_not_changed_is_not_sent_again(self) -> None:
        """A GET that names the current ETag is answered 304."""
        etag = (await self.get("/books/emma"))["http_etag"]
        reply = await self.ask("GET", "/books/emma", headers={"if-none-match": etag})
        self.assertThat((reply.status, reply.body), Equals((304, b"")))

    async def test_a_change_answers_with_the_entry_as_it_is_now(self) -> None:
        """Status 209, which lazr.restfulclient takes the new representation from."""
        reply = await self.patch("/books/emma", {"note": "lent to Ann"})
        self.assertThat(reply.status, Equals(209))
        self.assertThat(json.loads(reply.body)["note"], Equals("lent to Ann"))
        self.assertThat(self.shelf.books["emma"].note, Equals("lent to Ann"))

    async def test_a_change_of_what_somebody_else_has_changed_is_refused(self) -> None:
        """If-Match with the ETag from before another's write: 412, and nothing is written."""
        etag = (await self.get("/books/emma"))["http_etag"]
        self.shelf.add(Book("emma", note="by another"))
        reply = await self.patch("/books/emma", {"note": "mine"}, **{"if-match": etag})
        self.assertThat(reply.status, Equals(412))
        self.assertThat(self.shelf.books["emma"].note, Equals("by another"))

    async def test_a_change_does_not_mind_what_nobody_can_write(self) -> None:
        """Values that move by themselves do not stand in the way of a conditional write."""
        etag = (await self.get("/books/emma"))["http_etag"]
        self.shelf.add(Book("emma", readers=5, after="persuasion"))
        reply = await self.patch("/books/emma", {"note": "mine"}, **{"if-match": etag})
        self.assertThat(reply.status, Equals(209))

    async def test_a_new_name_is_a_new_address(self) -> None:
        """A change that moves the entry is answered 301 with where it is now."""
        reply = await self.patch("/books/emma", {"name": "Emma"})
        self.assertThat(reply.status, Equals(301))
        self.assertThat(reply.headers["Location"], Equals(f"{ROOT}books/Emma"))

    async def test_bad_changes_are_refused_with_a_sentence(self) -> None:
        """What is unknown, fixed, of another kind or no object: 400, and nothing is written."""
        for values, sentence in (
            ({"colour": "red"}, "A book has no 'colour'."),
            ({"readers": 9}, "readers of a book cannot be written."),
            ({"state": "Lost"}, "state: 'Lost' is none of Whole, Torn."),
            ({"note": 7.5}, "note: 7.5 is no text."),
            ([], "The body is no JSON object."),
        ):
            with self.subTest(values=values):
                reply = await self.patch("/books/emma", values)
                self.assertThat((reply.status, reply.body.decode()), Equals((400, sentence)))
        self.assertThat(self.shelf.books["emma"], Equals(Book("emma", after="persuasion")))

    async def test_values_that_are_sent_back_as_they_were_change_nothing(self) -> None:
        """A client may send the whole entry back."""
        shown = await self.get("/books/emma", visitor=WRITER)
        reply = await self.patch("/books/emma", shown)
        self.assertThat(reply.status, Equals(209))

    async def test_a_body_that_is_not_json_is_not_read(self) -> None:
        """415 for another Content-Type."""
        reply = await self.ask("PATCH", "/books/emma", visitor=WRITER, body=b"note=1")
        self.assertThat(reply.status, Equals(415))

    async def test_what_is_not_there(self) -> None:
        """404 for unknown names and unknown addresses, 405 for a method that has no meaning."""
        for address in ("/books/sanditon", "/shelves", "/books/emma/page/1", "/books/\0"):
            with self.subTest(address=address):
                self.assertThat((await self.ask("GET", address)).status, Equals(404))
        self.assertThat((await self.ask("DELETE", "/books/emma")).status, Equals(405))


class OperationTests(ServiceTestCase):
    """Named operations."""

    async def test_an_entry_or_null(self) -> None:
        """A lookup answers with the whole entry, or with JSON null."""
        self.shelf.add(Book("emma"))
        found = await self.get('/books?ws.op=getByName&name="emma"')
        self.assertThat(found["self_link"], Equals(f"{ROOT}books/emma"))
        self.assertThat(await self.get("/books?ws.op=getByName&name=none"), Equals(None))

    async def test_a_factory_answers_with_the_new_address(self) -> None:
        """201 with a Location."""
        form = {"ws.op": "buy", "name": '"emma"', "copies": "2"}
        reply = await self.ask("POST", "/books", form=form, visitor=WRITER)
        self.assertThat(reply.status, Equals(201))
        self.assertThat(reply.headers["Location"], Equals(f"{ROOT}books/emma"))

    async def test_the_farms_own_refusal_is_told(self) -> None:
        """400 with the sentence."""
        self.shelf.add(Book("emma"))
        form = {"ws.op": "buy", "name": "emma"}
        reply = await self.ask("POST", "/books", form=form, visitor=WRITER)
        self.assertThat(
            (reply.status, reply.body.decode()), Equals((400, "emma is there already."))
        )

    async def test_arguments_are_checked(self) -> None:
        """Missing, unknown and wrong ones are named."""
        for form, sentence in (
            ({}, "buy needs 'name'."),
            ({"name": "a", "size": "1"}, "buy takes no 'size'."),
            ({"name": "a", "copies": "many"}, "copies: 'many' is no whole number."),
        ):
            with self.subTest(form=form):
                asked = {"ws.op": "buy", **form}
                reply = await self.ask("POST", "/books", form=asked, visitor=WRITER)
                self.assertThat((reply.status, reply.body.decode()), Equals((400, sentence)))

    async def test_what_changes_something_is_never_a_get(self) -> None:
        """A crawler that follows links changes nothing: 405."""
        reply = await self.ask("GET", "/books?ws.op=buy&name=emma", visitor=WRITER)
        self.assertThat(reply.status, Equals(405))
        self.assertThat(self.shelf.books, Equals({}))

    async def test_levels(self) -> None:
        """Nobody without a token, and no token of too low a level, changes anything: 401."""
        self.shelf.add(Book("emma"))
        buy = ("/books", {"ws.op": "buy", "name": "persuasion"})
        repair = ("/books/emma", {"ws.op": "repair"})
        for visitor, (address, form) in (
            (ANYBODY, buy),
            (READER, buy),
            (ANYBODY, repair),
            (WRITER, repair),
        ):
            with self.subTest(visitor=visitor, form=form):
                reply = await self.ask("POST", address, form=form, visitor=visitor)
                self.assertThat(reply.status, Equals(401))
        self.assertThat(list(self.shelf.books), Equals(["emma"]))

    async def test_a_permission_error_does_not_look_like_a_bad_token(self) -> None:
        """launchpadlib asks its user for a new token where a 401 begins with certain words."""
        reply = await self.ask("POST", "/books", form={"ws.op": "buy", "name": "a"})
        for beginning in (b"Expired token", b"Invalid token", b"Unknown access token"):
            self.assertFalse(reply.body.startswith(beginning))


class CollectionTests(ServiceTestCase):
    """Collections, in batches."""

    def setUp(self) -> None:
        super().setUp()
        self.shelf.add(*(Book(f"book-{number:03}") for number in range(120)))

    async def test_the_links_lead_through_all_of_it(self) -> None:
        """Following `next_collection_link` meets every entry once."""
        names: list[str] = []
        address: str | None = "/books"
        while address is not None:
            page = await self.get(address)
            self.assertThat(page["total_size"], Equals(120))
            names += [one["name"] for one in page["entries"]]
            following = page.get("next_collection_link")
            address = following and "/" + following.removeprefix(ROOT)
        self.assertThat(names, Equals(list(self.shelf.books)))

    async def test_the_way_back(self) -> None:
        """`prev_collection_link` ends where the batch begins."""
        page = await self.get("/books?ws.start=30&ws.size=40")
        before = page["prev_collection_link"].removeprefix(ROOT)
        self.assertThat(before, Equals("books?ws.size=30&ws.start=0"))

    async def test_a_batch_has_a_bound(self) -> None:
        """More than 300 at once, or what is no number, is refused."""
        for asked in ("ws.size=301", "ws.size=-1", "ws.start=x"):
            with self.subTest(asked=asked):
                self.assertThat((await self.ask("GET", f"/books?{asked}")).status, Equals(400))

    async def test_an_operations_collection_keeps_its_arguments(self) -> None:
        """The next batch of a named operation is asked for with the same arguments."""
        page = await self.get("/books?ws.op=search&text=book")
        self.assertThat(page["next_collection_link"], Contains("ws.op=search&text=book"))

    async def test_only_the_size(self) -> None:
        """`ws.show=total_size` answers with a number."""
        found = await self.get("/books?ws.op=search&ws.show=total_size")
        self.assertThat(found, Equals(120))


class RootTests(ServiceTestCase):
    """The service root, which launchpadlib fetches twice."""

    async def test_it_links_to_the_collections(self) -> None:
        """As JSON: its type, the collections and `me`."""
        self.assertThat(
            await self.get("/"),
            Equals(
                {
                    "resource_type_link": f"{ROOT}#service-root",
                    "me_link": f"{ROOT}people/+me",
                    "books_collection_link": f"{ROOT}books",
                }
            ),
        )

    async def test_it_describes_itself(self) -> None:
        """As WADL, with an ETag and no lifetime, so that an upgrade is noticed."""
        accept = {"accept": "application/vnd.sun.wadl+xml"}
        first = await self.ask("GET", "/", headers=accept)
        self.assertThat(first.content_type, Equals("application/vnd.sun.wadl+xml"))
        again = {**accept, "if-none-match": first.headers["ETag"]}
        second = await self.ask("GET", "/", headers=again)
        self.assertThat((second.status, second.body), Equals((304, b"")))
        self.assertFalse("Cache-Control" in first.headers)
