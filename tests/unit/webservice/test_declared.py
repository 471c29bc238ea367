"""All that the farm's web service declares is there, as declared: nothing can be left out."""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from wadllib.application import Application

from buildfarm.storage import roster
from buildfarm.verdicts.permissions import Deed, refusal
from buildfarm.vocab.access import ANYBODY, BUILDD_ADMINS, AccessLevel, Visitor
from buildfarm.webservice.catalogue import ROUTES, SERVICE
from buildfarm.webservice.declarations import (
    REDACTED,
    Answer,
    CollectionType,
    EntryType,
    Field,
    Kind,
    Operation,
)
from buildfarm.webservice.wadl import wadl
from tests.unit.webservice.farmcase import MODERATOR, ROOT, FarmServiceTestCase

#: Where one of each type is; what is added to the catalogue is added here, or a test fails.
PLACES = {
    "builder": "builders/bob",
    "processor": "+processors/amd64",
    "build": "debian/+archive/main/+build/1",
    "build_attempt": "debian/+archive/main/+build/1/attempts/1",
    "distribution": "debian",
    "distro_series": "debian/bookworm",
    "archive": "debian/+archive/main",
    "source_package_publishing_history": "debian/+archive/main/+sourcepub/1",
    "person": "~ann",
    "team": f"~{BUILDD_ADMINS}",
    "farm": "farm",
}

#: What operations that only read are called with, where they need something.
ARGUMENTS = {
    ("builders", "getByName"): {"name": "bob"},
    ("builders", "getBuildersForQueue"): {
        "processor": "/+processors/amd64",
        "virtualized": "false",
    },
    ("builds", "getByID"): {"id": "1"},
    ("processors", "getByName"): {"name": "amd64"},
    ("people", "getByName"): {"name": "ann"},
    ("distribution", "getSeries"): {"name_or_version": "bookworm"},
    ("distribution", "getArchive"): {"name": "main"},
    ("archive", "checkUpload"): {
        "person": "/~ann",
        "distroseries": "/debian/bookworm",
        "sourcepackagename": "hello",
    },
}

#: What each thing that changes something takes; changes of an entry are called `PATCH`.
DEEDS = {
    ("builders", "new"): Deed.MODERATE,
    ("builder", "PATCH"): Deed.MODERATE,
    ("builder", "setCleanStatus"): Deed.MODERATE,
    ("build", "retry"): Deed.RETRY,
    ("build", "cancel"): Deed.CANCEL,
    ("build", "rescore"): Deed.RESCORE,
    ("archive", "submitSource"): Deed.SUBMIT,
    ("archive", "retryDepWaiting"): Deed.RETRY,
}

#: One visitor of each kind.
VISITORS = (
    ANYBODY,
    *(Visitor("carl", level=level) for level in AccessLevel),
    *(Visitor("bert", level=level, uploadable=frozenset({"main"})) for level in AccessLevel),
    Visitor("bert", level=AccessLevel.ADMINISTER, uploadable=frozenset({"other"})),
    Visitor("bert", level=AccessLevel.ADMINISTER, readable=frozenset({"main", "secret"})),
    *(Visitor("ann", frozenset({BUILDD_ADMINS}), level) for level in AccessLevel),
)

TYPES: dict[Kind, type | tuple[type, ...]] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.NUMBER: (int, float),
    Kind.BOOLEAN: bool,
    Kind.TIME: str,
    Kind.LIST: list,
    Kind.MAPPING: dict,
    Kind.LINK: str,
    Kind.WEB: str,
    Kind.COLLECTION: str,
}


def fields() -> Iterator[tuple[EntryType, Field]]:
    """Every field, with its entry type."""
    for kind in SERVICE.entries.values():
        for field in kind.fields:
            yield kind, field


def operations() -> Iterator[tuple[EntryType | CollectionType, Operation]]:
    """Every operation, with what it is of."""
    kinds: list[EntryType | CollectionType] = [
        *SERVICE.entries.values(),
        *SERVICE.collections.values(),
    ]
    for kind in kinds:
        for operation in kind.operations:
            yield kind, operation


def place(kind: EntryType | CollectionType) -> str:
    """Where one of these is."""
    return kind.address if isinstance(kind, CollectionType) else PLACES[kind.name]


class DeclaredTests(FarmServiceTestCase):
    async def test_every_entry(self) -> None:
        """Each has what is declared and described, no more, of the declared kinds; and its ETag."""
        application = Application(ROOT, wadl(SERVICE, ROOT))
        for name, kind in SERVICE.entries.items():
            with self.subTest(entry=name):
                shown = await self.get(PLACES[name])
                self.assertEqual(ROOT + PLACES[name], shown["self_link"])
                self.assertEqual(f"{ROOT}#{name}", shown["resource_type_link"])
                described = application.representation_definitions[f"{name}-full"]
                names = [one.attrib["name"] for one in described.tag if "name" in one.attrib]
                self.assertEqual(sorted(names), sorted(shown))
                for field in kind.fields:
                    self._check_value(field, shown[field.wire_name])
                headers = {"if-none-match": shown["http_etag"]}
                again = await self.request("GET", PLACES[name], headers=headers)
                self.assertEqual(304, again.status)

    def _check_value(self, field: Field, value: Any) -> None:
        if value is None:
            return
        self.assertIsInstance(value, TYPES[field.kind], field.name)
        if field.kind is Kind.TIME:
            self.assertIsNotNone(datetime.fromisoformat(value).tzinfo)
        if field.choices:
            self.assertIn(value, field.choices)

    async def test_every_link(self) -> None:
        """Links lead to what they are declared to lead to."""
        for kind, field in fields():
            if field.kind not in (Kind.LINK, Kind.COLLECTION):
                continue
            with self.subTest(entry=kind.name, field=field.name):
                url = (await self.get(PLACES[kind.name]))[field.wire_name]
                if url is None:
                    continue
                found = await self.get(url)
                if field.kind is Kind.LINK:
                    self.assertEqual(f"{ROOT}#{field.target}", found["resource_type_link"])
                for one in found.get("entries", []):
                    self.assertEqual(f"{ROOT}#{field.target}", one["resource_type_link"])

    async def test_every_collection(self) -> None:
        """Each is linked to by the root, has batches with bounds, and tells its size alone."""
        root = await self.get("")
        for name, collection in SERVICE.collections.items():
            with self.subTest(collection=name):
                url = root[f"{name}_collection_link"]
                page = await self.get(url)
                self.assertEqual(f"{ROOT}#{name}", page["resource_type_link"])
                for one in page["entries"]:
                    target = SERVICE.entries[collection.target]
                    ids = {target.name, target.kind_of and "team"}
                    self.assertIn(one["resource_type_link"].removeprefix(f"{ROOT}#"), ids)
                self.assertEqual(page["total_size"], await self.get(f"{url}?ws.show=total_size"))
                for wrong in ("ws.size=301", "ws.size=x", "ws.start=-1"):
                    refused = await self.request("GET", f"{url}?{wrong}")
                    self.assertEqual(400, refused.status)

    async def test_every_top(self) -> None:
        """What the root links to besides is an entry of the type that it says."""
        root = await self.get("")
        for name in SERVICE.tops:
            found = await self.get(root[f"{name}_link"])
            self.assertEqual(f"{ROOT}#{name}", found["resource_type_link"])

    async def test_every_question(self) -> None:
        """Each operation that only reads answers with what it is declared to, by GET alone."""
        for kind, operation in operations():
            if operation.method != "GET":
                continue
            with self.subTest(of=kind.name, operation=operation.name):
                arguments = ARGUMENTS.get((kind.name, operation.name), {})
                needed = {one.name for one in operation.parameters if one.required}
                self.assertEqual(needed, set(arguments))
                asked = "&".join(f"{key}={value}" for key, value in arguments.items())
                address = f"{place(kind)}?ws.op={operation.name}&{asked}"
                found = await self.get(address)
                if operation.answer is Answer.ENTRY:
                    self.assertEqual(f"{ROOT}#{operation.target}", found["resource_type_link"])
                elif operation.answer is Answer.PAGE:
                    self.assertEqual({"start", "total_size", "entries"}, set(found))
                    size = await self.get(f"{address}&ws.show=total_size")
                    self.assertEqual(found["total_size"], size)
                form = {"ws.op": operation.name, **arguments}
                posted = await self.request("POST", place(kind), form=form)
                self.assertEqual(405, posted.status)

    def test_who_may_is_declared(self) -> None:
        """What changes something is in the table of this test, with what it takes; no more is."""
        found = {
            (kind.name, operation.name): operation.deed
            for kind, operation in operations()
            if operation.method == "POST"
        }
        found |= {
            (kind.name, "PATCH"): kind.deed
            for kind in SERVICE.entries.values()
            if kind.change is not None
        }
        self.assertEqual(DEEDS, found)
        writable = {kind.name for kind, field in fields() if field.writable}
        self.assertEqual({name for name, what in DEEDS if what == "PATCH"}, writable)

    async def test_who_may(self) -> None:
        """Each such thing is done for nobody but those who may, whatever they send with it."""
        for (name, what), deed in DEEDS.items():
            entry = SERVICE.entries.get(name)
            belongs = entry is not None and entry.archive_of is not None
            for visitor in VISITORS:
                with self.subTest(of=name, what=what, visitor=visitor):
                    refused = refusal(visitor, deed, "main" if belongs else None)
                    reply = await self._try(name, what, visitor)
                    if refused is not None:
                        self.assertEqual((401, refused), (reply.status, reply.body.decode()))
                    else:
                        self.assertNotEqual(401, reply.status, reply.body.decode())
        self.assertEqual(self._permitted(Deed.SUBMIT), self.receiving.received)

    def _permitted(self, deed: Deed) -> int:
        return sum(refusal(visitor, deed, "main") is None for visitor in VISITORS)

    async def _try(self, name: str, what: str, visitor: Visitor) -> Any:
        """Do one thing, without the arguments that it needs."""
        address = PLACES.get(name) or SERVICE.collections[name].address
        if what == "PATCH":
            return await self.patch(address, {"nothing": 1}, visitor)
        if what == "submitSource":
            stream: Any = object()
            return await self.request("POST", address, visitor, body_stream=stream)
        return await self.request("POST", address, visitor, form={"ws.op": what})

    async def test_every_writable_field(self) -> None:
        """Each can be written by a moderator alone, and not over what another has written."""
        for kind, field in fields():
            with self.subTest(entry=kind.name, field=field.name):
                address = PLACES[kind.name]
                shown = await self.get(address)
                value = shown[field.wire_name]
                if kind.change is None:
                    reply = await self.patch(address, {field.wire_name: value})
                    self.assertEqual(405, reply.status)
                    continue
                same = await self.patch(address, {field.wire_name: value})
                self.assertEqual(209, same.status)
                other = {field.wire_name: [value]}
                if not field.writable:
                    reply = await self.patch(address, other)
                    self.assertIn(b"cannot be written", reply.body)
                    continue
                for visitor in VISITORS:
                    allowed = refusal(visitor, Deed.MODERATE) is None
                    reply = await self.patch(address, other, visitor)
                    self.assertEqual(400 if allowed else 401, reply.status)
                stale = await self.patch(address, other, **{"if-match": '"x-y"'})
                self.assertEqual(412, stale.status)
                nothing = await self.patch(address, {field.wire_name: None})
                self.assertEqual(209 if field.optional else 400, nothing.status, nothing.body)

    async def test_what_is_written_at_the_same_time(self) -> None:
        """Of two who have seen the same, one is told, however close behind the other they come."""
        etag = (await self.get("builders/bob"))["http_etag"]
        for headers, status in (({"if-match": etag}, 412), ({}, 409)):
            with self.subTest(headers=headers):
                notes = f"instead of {status}"
                other = (roster.change_builder, "bob", {"failnotes": notes}, "test", self.now())
                self.storage.before_write = partial(self.act, *other)
                reply = await self.patch("builders/bob", {"title": "mine"}, **headers)
                self.assertEqual(status, reply.status, reply.body)
                shown = await self.get("builders/bob")
                self.assertEqual((notes, ""), (shown["failnotes"], shown["title"]))
                etag = shown["http_etag"]

    async def test_every_private_thing(self) -> None:
        """Nothing that belongs to a private archive is told to who may not see it, by any way."""
        reader = Visitor("bert", readable=frozenset({"secret"}))
        for visitor, seen in ((ANYBODY, False), (Visitor("carl"), False), (reader, True)):
            told = await self._everything(visitor)
            self.assertEqual(seen, "hidden" in told)
            self.assertEqual(seen, "secret" in told)

    async def test_what_a_builder_hides(self) -> None:
        """That it builds something is told, and what to those who may know; as Launchpad does."""
        self.start(self.add_builder("eve"))
        reader = Visitor("bert", readable=frozenset({"secret"}))
        build = f"{ROOT}debian/+archive/secret/+build/2"
        for visitor, told in ((ANYBODY, REDACTED), (reader, build), (MODERATOR, build)):
            shown = await self.get("builders/eve", visitor)
            self.assertEqual(told, shown["current_build_link"])

    async def _everything(self, visitor: Visitor) -> str:
        """All that this visitor can read anywhere: what is found by links and questions."""
        found, open_ends = [], [""]
        seen: set[str] = set()
        while open_ends:
            address = open_ends.pop()
            if address in seen:
                continue
            seen.add(address)
            reply = await self.request("GET", address, visitor)
            text = reply.body.decode()
            found.append(text)
            if reply.status == 200:
                open_ends += _links(json.loads(text))
        for kind, operation in operations():
            if operation.method == "GET":
                arguments = ARGUMENTS.get((kind.name, operation.name), {})
                asked = "&".join(f"{key}={value}" for key, value in arguments.items())
                address = f"{place(kind)}?ws.op={operation.name}&{asked}"
                found.append((await self.request("GET", address, visitor)).body.decode())
        for path in ("archive/secret", "archive/secret/+build/2", "archive/secret/+sourcepub/2"):
            reply = await self.request("GET", f"debian/+{path}", visitor)
            found.append("" if reply.status == 404 else reply.body.decode())
        return "\n".join(found)

    def test_every_route(self) -> None:
        """Each address has a type: an entry's, or that of a collection's entries."""
        for route in ROUTES:
            with self.subTest(pattern=route.pattern):
                self.assertTrue(route.kind is not None or route.target in SERVICE.entries)
        self.assertEqual(set(SERVICE.entries), set(PLACES))

    def test_every_operation_is_described(self) -> None:
        """docs/webservice.md names every operation, and every field that can be written."""
        text = (Path(__file__).parents[3] / "docs/webservice.md").read_text(encoding="utf-8")
        missing = [one.name for _, one in operations() if f"`{one.name}(" not in text]
        missing += [f"{one.name}*" for _, one in fields() if one.writable]
        self.assertEqual([], [name for name in missing if f"`{name.rstrip('*')}`*" not in text])

    async def test_moderators_see_all(self) -> None:
        """What the walk of private things does not find is there all the same."""
        self.assertIn("hidden", await self._everything(MODERATOR))


def _links(value: Any) -> Iterator[str]:
    """The links in a representation that lead further, below the root."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key.endswith("_link") and key != "resource_type_link" and isinstance(one, str):
                if one.startswith(ROOT) and "#" not in one:
                    yield one
            else:
                yield from _links(one)
    elif isinstance(value, list):
        for one in value:
            yield from _links(one)
