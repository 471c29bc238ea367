"""Every address of a farm, asked by every kind of visitor: what is private stays so.

The addresses are found by following every link as somebody who sees everything, and by asking
every operation; then the tables of routes are gone through, so that none can have been missed.
"""

import re
from collections.abc import Iterator
from typing import Any, AnyStr
from urllib.parse import unquote, urlencode

from twisted.internet.tcp import Port
from twisted.internet.threads import deferToThread

from buildfarm.assembly.live import LiveFarm
from buildfarm.assembly.walltime import utc_now
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.farm import Farm
from buildfarm.storage import builds
from buildfarm.vocab.states import BuildState
from buildfarm.webservice.catalogue import ROUTES, SERVICE
from buildfarm.webservice.site import VERSIONS as SERVED
from tests.functional.privacy.crawler import Answer, Client, crawl
from tests.functional.privacy.secretfarm import ARCHIVE, VERSIONS, WORD, SecretFarm, script
from tests.functional.privacy.visitors import Visitor, every_visitor

#: Where a walk begins, besides all pages and resources without a name in their path.
BEGINNINGS = (
    "/+login?link=a.b",
    "/+authorize-token?oauth_token=none",
    "/nothing",
    "/devel/",
    "/devel/nothing",
    f"/archive/{ARCHIVE}/",
    "/devel/people",
    "/devel/people/+me",
    *(f"/search?q={words}" for words in (WORD, f"{WORD}-built", "open", VERSIONS[ARCHIVE], "%25")),
    *(f"/devel/debian/+archive/{archive}" for archive in (ARCHIVE, "main")),
    "/devel/debian/archives",
    "/devel/debian/series",
    *(f"/devel/~{name}" for name in ("ann", "readers", "rita")),
)

#: Arguments for the operations that only read, by name; of each entry that has it.
ARGUMENTS: dict[str, tuple[dict[str, str], ...]] = {
    "getByName": tuple({"name": f'"{name}"'} for name in ("b1", "b2", "amd64", "ann", "readers")),
    "getBuildersForQueue": ({"processor": "/+processors/amd64", "virtualized": "false"},),
    "getPublishedSources": ({}, {"source_name": f'"{WORD}"'}),
    "getBuildRecords": (
        {},
        *({"build_state": state} for state in ("Needs building", "Currently building")),
    ),
    "getSeries": ({"name_or_version": '"bookworm"'},),
    "getArchive": ({"name": f'"{ARCHIVE}"'}, {"name": '"main"'}),
    "checkUpload": (
        {"person": "/~ann", "distroseries": "/debian/bookworm", "sourcepackagename": '"x"'},
    ),
}


class WalkTests(FarmTestCase):
    """One farm; the walk is one test, since its steps share what the first one found."""

    async def setUp(self) -> None:
        super().setUp()
        self.farm = await Farm.make(self)
        self.secret = SecretFarm(self.farm)
        await self.secret.furnish()
        await self.farm.start()
        for name in ("b1", "b2"):
            await self.farm.add_builder(self.farm.daemon(script), name)
        await self.secret.build()
        # Sentences about our own disks and archives name whatever they like.
        self.patch(LiveFarm, "pauses", lambda _live: (f"there is no room for {WORD}-built",))
        self.visitors = await every_visitor(self.farm)
        self.root = f"http://127.0.0.1:{self.farm.web_port}/"
        self.clients: list[Client] = []
        self.addCleanup(lambda: [client.close() for client in self.clients])

    def client(self, visitor: Visitor) -> Client:
        """A connection of this visitor's."""
        client = Client(self.farm.web_port, visitor)
        self.clients.append(client)
        return client

    def named(self, name: str) -> Visitor:
        """One of the visitors."""
        return next(one for one in self.visitors if one.name == name)

    async def test_nobody_learns_what_they_may_not(self) -> None:
        """No answer, header, event or error tells who may not know; who may finds everything."""
        found = await self._universe()
        paths = sorted(set(found) | {f"/{version}/builders" for version in SERVED})
        self._assert_complete(paths)
        for visitor in self.visitors:
            look = self._assert_all_is_told if visitor.sees else self._assert_nothing_is_told
            await deferToThread(look, visitor, self.client(visitor), paths)

    async def test_nobody_does_what_they_may_not(self) -> None:
        """Whoever may not know of a build cannot act on it, and learns nothing by trying."""
        before = await self._states()
        for visitor in self.visitors:
            if not visitor.sees:
                await deferToThread(self._try_everything, visitor, self.client(visitor))
        self.assertEqual(before, await self._states())

    async def test_nobody_hears_what_they_may_not(self) -> None:
        """Of what happens in both archives, an event tells each viewer what they may know."""
        hearing = {
            visitor.name: deferToThread(self._hear, self.client(visitor))
            for visitor in self.visitors
            if visitor.is_let_in
        }
        await self.wait_until(lambda: self._viewers() == len(hearing), what="the viewers")
        for archive in (ARCHIVE, "main"):
            build_id = self.secret.ids[archive, BuildState.NEEDSBUILD.value.lower()]
            await self.farm.write(builds.rescore, build_id, 7, "test", utc_now())
        for visitor in self.visitors:
            if visitor.is_let_in:
                heard = (await hearing[visitor.name]).decode()
                self.assertEqual(visitor.sees, bool(self.traces(heard)), (visitor.name, heard))

    # Every address.

    async def _universe(self) -> dict[str, Answer]:
        """Every address there is, as a moderator finds them by session and by token."""
        found: dict[str, Answer] = {}
        for name in ("a moderator's session", "a moderator's token"):
            client = self.client(self.named(name))
            answers = await deferToThread(crawl, client, self.root, self._beginnings(), _operations)
            found |= answers
            failed = {path: one.status for path, one in answers.items() if one.status >= 500}
            self.assertEqual({}, failed, name)
        return found

    def _beginnings(self) -> list[str]:
        builds = [
            f"/builds/{build_id}{rest}"
            for build_id in self.secret.ids.values()
            for rest in ("", "/log", "/log/part", "/log/events")
        ]
        entries = [
            f"/devel/debian/+archive/{archive}/+build/{build_id}"
            for (archive, _), build_id in self.secret.ids.items()
        ]
        by_id = [f"/devel/builds?ws.op=getByID&id={one}" for one in self.secret.ids.values()]
        root = self._served()
        pages = [
            pattern.pattern.replace("\\", "")
            for pattern, _ in root._pages._routes._routes
            if not pattern.groups
        ]
        names = [name.decode() for name in root.listNames()]
        children = [f"/{name}" for name in names if name not in SERVED]
        return [*BEGINNINGS, *pages, *children, *builds, *entries, *by_id]

    # What is told.

    def _assert_nothing_is_told(self, visitor: Visitor, client: Client, paths: list[str]) -> None:
        """What is private is as what has never been."""
        for path in paths:
            answer, twin_path = client.get(path), self.twin(path)
            told = f"{visitor.name} asked {path}"
            if twin_path == path:
                self.assertEqual([], self.traces(answer.text), told)
                self._assert_counted(answer, told)
            else:
                twin = client.get(twin_path)
                self.assertEqual(
                    (twin.status, twin.body), (answer.status, self.twin(answer.body)), told
                )
                self.assertEqual([], self.traces(twin.text), told)
            if not visitor.is_let_in and path.startswith("/devel/"):
                self.assertIn(answer.status, (401, 429), told)

    def _assert_all_is_told(self, visitor: Visitor, client: Client, paths: list[str]) -> None:
        """Who may see the private archive finds all there is of it."""
        text = "".join(client.get(path).text for path in paths)
        expected = [VERSIONS[ARCHIVE]]
        for archive, ending in self.secret.ids:
            source = f"{WORD if archive == ARCHIVE else 'open'}-{ending}"
            expected.append(source)
            if ending in {"built", "broken", "running"}:
                expected.append(f"the log of {source}")
            if ending == "built":
                expected.append(f"Source: {source}")
        self.assertEqual([], [words for words in expected if words not in text], visitor.name)

    def _assert_counted(self, answer: Answer, told: str) -> None:
        """A count tells of no more than is listed."""
        found = answer.json() if answer.type == "application/json" else None
        if isinstance(found, dict) and "entries" in found and "next_collection_link" not in found:
            self.assertEqual(len(found["entries"]), found.get("total_size", 0), told)

    # What is tried and heard.

    async def _states(self) -> list[Any]:
        return [await self.farm.build(build_id) for build_id in self.secret.ids.values()]

    def _try_everything(self, visitor: Visitor, client: Client) -> None:
        """Every form and every operation, on builds of the private archive."""
        build_id = self.secret.ids[ARCHIVE, "running"]
        archive = f"/devel/debian/+archive/{ARCHIVE}"
        tries = [
            (path, {"csrf": visitor.csrf, "act": act, "score": "9"})
            for path in self._forms(build_id)
            for act in ("cancel", "retry", "rebuild", "rescore")
        ]
        for path, kind in ((archive, "archive"), (f"{archive}/+build/{build_id}", "build")):
            tries += [
                (path, {"ws.op": operation.name, "score": "9"})
                for operation in SERVICE.entries[kind].operations
                if operation.method == "POST"
            ]
        for path, form in tries:
            answer = client.get(path, "POST", urlencode(form))
            twin = client.get(self.twin(path), "POST", urlencode(form))
            self.assertIn(answer.status, (401, 403, 404, 429), (visitor.name, path))
            self.assertEqual((twin.status, twin.body), (answer.status, self.twin(answer.body)))
        for path in (archive, f"{archive}/+build/{build_id}"):
            answer = client.get(path, "PATCH", '{"score": 9}')
            self.assertIn(answer.status, (401, 404, 429), (visitor.name, path))

    def _forms(self, build_id: int) -> list[str]:
        """Where forms about builds are posted."""
        return [
            pattern.pattern.replace("(?P<id>[^/]+)", str(build_id)).replace("\\", "")
            for pattern, route in self._served()._pages._routes._routes
            if route.act is not None and "?P<id>" in pattern.pattern
        ]

    def _hear(self, client: Client) -> bytes:
        """What the stream of the farm's events tells until it tells of the public archive."""
        build_id = self.secret.ids["main", BuildState.NEEDSBUILD.value.lower()]
        return client.hear("/+events", re.compile(rb'"builds":\[[^]]*\b%d\b' % build_id))

    def _viewers(self) -> int:
        """How many hear the stream of events."""
        return int(self._streams().viewers)

    # What tells.

    def traces(self, text: str) -> list[str]:
        """Where a text tells of the private archive."""
        ids = "|".join(map(str, self.secret.private_ids))
        around = "[^\n]{0,60}"
        return re.findall(rf"{around}(?:{WORD}|\b(?:{ids})\b){around}", text, re.IGNORECASE)

    def twin(self, text: AnyStr) -> AnyStr:
        """The same words of an archive and of builds that never were."""
        is_text = isinstance(text, str)
        twin = text if is_text else text.decode("latin-1")
        for build_id in self.secret.private_ids:
            twin = twin.replace(str(build_id), str(build_id + 10_000_000))
        twin = twin.replace(WORD, "z" * len(WORD))
        return twin if is_text else twin.encode("latin-1")

    # Whether all of it was asked.

    def _assert_complete(self, seen: list[str]) -> None:
        """Nothing that is served was left out."""
        plain = [unquote(path.partition("?")[0]) for path in seen]
        root = self._served()
        self.assertEqual([], [name for name in root.listNames() if not _below(name, seen)])
        for route in ROUTES:
            pattern = "/devel/" + re.escape(route.pattern).replace(r"\*", "[^/]+")
            self._assert_any(pattern, plain)
        for pattern, route in root._pages._routes._routes:
            if route.show is not None:
                self._assert_any(pattern.pattern, plain)
        for kind in (*SERVICE.entries.values(), *SERVICE.collections.values()):
            for operation in kind.operations:
                if operation.method == "GET":
                    asked = [path for path in seen if f"ws.op={operation.name}" in path]
                    self.assertNotEqual([], asked, operation.name)

    def _assert_any(self, pattern: str, paths: list[str]) -> None:
        found = any(re.fullmatch(pattern, path) for path in paths)
        self.assertTrue(found, f"nothing was asked that fits {pattern}")

    def _served(self) -> Any:
        """The root of what the farm serves to people."""
        [site] = [
            reader.factory
            for reader in self.reactor.getReaders()
            if isinstance(reader, Port)
            and getattr(reader.getHost(), "port", 0) == self.farm.web_port
        ]
        return site.resource

    def _streams(self) -> Any:
        """What serves the stream of events."""
        routes = self._served()._pages._routes
        return routes.find("/+events")[0].show.__self__


def _below(name: bytes, paths: list[str]) -> bool:
    """Whether something of this name, or below it, was asked."""
    start = f"/{name.decode()}"
    return any(path == start or path.startswith((f"{start}/", f"{start}?")) for path in paths)


def _operations(answer: Answer) -> Iterator[str]:
    """Addresses of the operations that an entry or a collection has."""
    if answer.type != "application/json" or "ws.op" in answer.path:
        return
    found = answer.json()
    kind = found.get("resource_type_link", "").rpartition("#")[2] if isinstance(found, dict) else ""
    declared = SERVICE.entries.get(kind) or SERVICE.collections.get(kind)
    for operation in declared.operations if declared is not None else ():
        if operation.method == "GET":
            for arguments in ARGUMENTS.get(operation.name, ({},)):
                query = urlencode({"ws.op": operation.name, **arguments})
                yield f"{answer.path.partition('?')[0]}?{query}"
