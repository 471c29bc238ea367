"""Beside the layers: a small service, with shelves and books, some of them secret, for tests."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from twisted.internet.task import Clock

from buildfarm.verdicts.permissions import Deed, refusal
from buildfarm.vocab.access import Visitor
from buildfarm.vocab.errors import Refused
from buildfarm.webservice.answers import Denied
from buildfarm.webservice.batches import Batch
from buildfarm.webservice.declarations import (
    Answer,
    CollectionType,
    Created,
    EntryType,
    Field,
    Kind,
    Operation,
    Page,
    Parameter,
    Service,
)
from buildfarm.webservice.routes import Route
from buildfarm.webservice.service import WebService

STATES = ("Whole", "Torn")


@dataclass(frozen=True)
class Book:
    """One book."""

    name: str
    state: str = "Whole"
    note: str | None = None
    readers: int = 0
    bought: datetime = datetime(2026, 1, 2, 3, 4, 5)
    after: str | None = None
    price: int | str = 7


@dataclass
class Shelf:
    """The books of one test, by name."""

    books: dict[str, Book] = field(default_factory=dict)

    def add(self, *books: Book) -> None:
        """Put books on the shelf."""
        self.books.update({book.name: book for book in books})

    def part(self, wanted: Batch) -> Page:
        """One batch of the books."""
        books = list(self.books.values())
        return Page.of(books, wanted)


@dataclass(frozen=True)
class Reader:
    """The context of the service's calls: the shelf, and who stands before it."""

    shelf: Shelf
    visitor: Visitor

    def require(self, deed: Deed, archive: str | None) -> None:
        """As `webservice.context.Context.require`."""
        sentence = refusal(self.visitor, deed, archive)
        if sentence is not None:
            raise Denied(HTTPStatus.UNAUTHORIZED, sentence)


async def _change(reader: Reader, book: Book, values: dict[str, Any]) -> Book:
    changed = replace(book, **values)
    del reader.shelf.books[book.name]
    reader.shelf.add(changed)
    return changed


async def _find(reader: Reader, name: str) -> Book | None:
    return reader.shelf.books.get(name)


async def _all(reader: Reader, wanted: Batch) -> Page:
    return reader.shelf.part(wanted)


async def _get_by_name(reader: Reader, _none: None, name: str) -> Book | None:
    return reader.shelf.books.get(name)


async def _count(reader: Reader, _none: None) -> dict[str, int]:
    return {"books": len(reader.shelf.books)}


async def _search(reader: Reader, _none: None, wanted: Batch, text: str = "") -> Page:
    return reader.shelf.part(wanted)


async def _buy(reader: Reader, _none: None, name: str, copies: int = 1) -> Created:
    if name in reader.shelf.books:
        raise Refused(f"{name} is there already.")
    reader.shelf.add(Book(name))
    return Created(reader.shelf.books[name])


async def _repair(reader: Reader, book: Book) -> None:
    reader.shelf.add(replace(book, state="Whole"))


BOOK = EntryType(
    "book",
    "A book.",
    lambda book: f"books/{book.name}",
    (
        Field("name", lambda book: book.name, "Its name.", writable=True),
        Field("state", lambda book: book.state, "Its state.", choices=STATES, writable=True),
        Field("note", lambda book: book.note, "A note.", writable=True),
        Field("readers", lambda book: book.readers, "How many read it.", Kind.INTEGER),
        Field("bought", lambda book: book.bought, "When.", Kind.TIME),
        Field("price", lambda book: book.price, "Not for everybody.", Kind.INTEGER),
        Field(
            "after", lambda book: book.after and f"books/{book.after}", "Next.", Kind.LINK, "book"
        ),
        Field("series", lambda book: "books", "All.", Kind.COLLECTION, "book"),
    ),
    (Operation("repair", _repair, "Repair it.", changes=True, deed=Deed.MODERATE),),
    _change,
    deed=Deed.RESCORE,
    archive_of=lambda book: "shelf",
)

BOOKS = CollectionType(
    "books",
    "All books.",
    "book",
    (
        Operation(
            "getByName", _get_by_name, "One.", (Parameter("name", "n"),), Answer.ENTRY, "book"
        ),
        Operation("count", _count, "How many."),
        Operation(
            "search",
            _search,
            "Some.",
            (Parameter("text", "t", required=False),),
            Answer.PAGE,
            "book",
        ),
        Operation(
            "buy",
            _buy,
            "One more.",
            (Parameter("name", "n"), Parameter("copies", "c", Kind.INTEGER, required=False)),
            Answer.CREATED,
            "book",
            deed=Deed.SUBMIT,
        ),
    ),
)

PERSON = EntryType("person", "A person.", lambda name: f"~{name}", ())

SERVICE = Service.of((BOOK, PERSON), (BOOKS,))


def library(shelf: Shelf) -> WebService:
    """The service over `shelf`."""
    routes = (
        Route("books", _all, collection=BOOKS, target="book"),
        Route("books/*", _find, BOOK),
    )
    clock: Any = Clock()
    return WebService(clock, SERVICE, routes, lambda visitor: Reader(shelf, visitor))
