"""The web service itself: a request in, an answer out; what it offers is declared elsewhere.

    GET    an entry, a batch of a collection, or with `ws.op` a named operation that changes nothing
    POST   a named operation; PATCH and PUT: new values for an entry
    GET /  of the service: its links as JSON, or its WADL

Layer 5. Tests: tests/unit/webservice/test_service.py, tests/functional/webservice.
"""

import hashlib
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from buildfarm.flow.bodystream import BodyStream
from buildfarm.flow.reactors import Clock
from buildfarm.flow.slices import Slices
from buildfarm.verdicts.permissions import Deed
from buildfarm.vocab.access import Visitor
from buildfarm.vocab.errors import Refused, StaleState
from buildfarm.webservice import wadl
from buildfarm.webservice.answers import (
    CONTENT_RETURNED,
    Denied,
    Elsewhere,
    Reply,
    as_json,
    not_allowed,
    not_found,
    refused,
)
from buildfarm.webservice.batches import Batch, batch, page
from buildfarm.webservice.declarations import (
    Answer,
    CollectionType,
    EntryType,
    Operation,
    Page,
    Service,
)
from buildfarm.webservice.representations import (
    Written,
    entry,
    link,
    same_to_write,
    with_entries,
    written,
)
from buildfarm.webservice.requests import Asked
from buildfarm.webservice.routes import Route, Routes
from buildfarm.webservice.values import arguments, new_values

#: Stands for the root of the service in a document that is the same for every root.
_ANYWHERE = "http://root.invalid/"


class WebService:
    """Answers requests about what `service` declares, found by `routes`.

    `context(visitor)` makes what finders and operations are given.
    """

    def __init__(
        self,
        reactor: Clock,
        service: Service,
        routes: Sequence[Route],
        context: Callable[[Visitor], Any],
    ) -> None:
        self._reactor = reactor
        self._service = service
        self._routes = Routes(routes)
        self._context = context
        # Made once: whoever asks chooses the root, by the Host header.
        self._wadl = wadl.wadl(service, _ANYWHERE)

    async def answer(self, asked: Asked) -> Reply:
        """The answer, also where it is a refusal. Raises only what is a fault of ours."""
        try:
            return await self._answer(asked)
        except Denied as denied:
            return denied.reply
        except Elsewhere as elsewhere:
            location = str(link(asked.root, elsewhere.path))
            return Reply(HTTPStatus.SEE_OTHER, headers={"Location": location})
        except Refused as error:
            return refused(error)

    async def _answer(self, asked: Asked) -> Reply:
        if asked.path.strip("/") == "":
            return self._root(asked)
        route, parts = self._routes.find(asked.path)
        context = self._context(asked.visitor)
        if route.kind is None:
            return await self._collection(asked, context, route, parts)
        subject = await route.find(context, *parts)
        if subject is None:
            raise not_found(asked.path)
        return await self._entry(asked, context, route.kind, subject)

    def _root(self, asked: Asked) -> Reply:
        if asked.method not in ("GET", "HEAD"):
            raise not_allowed(asked.method, "The service root")
        if wadl.MEDIA_TYPE in asked.headers.get("accept", ""):
            document = self._wadl.replace(_ANYWHERE.encode(), asked.root.encode())
            return _conditional(asked, document, wadl.MEDIA_TYPE)
        links = {
            f"{one.name}_collection_link": link(asked.root, one.address)
            for one in self._service.collections.values()
        }
        return as_json(
            {
                "resource_type_link": f"{asked.root}#service-root",
                "me_link": link(asked.root, "people/+me"),
                **{f"{name}_link": link(asked.root, at) for name, at in self._service.tops.items()},
                **links,
            }
        )

    async def _collection(
        self, asked: Asked, context: Any, route: Route, parts: Sequence[str]
    ) -> Reply:
        if "ws.op" in asked.query or asked.method == "POST":
            return await self._operation(asked, context, route.collection, None)
        if asked.method not in ("GET", "HEAD"):
            raise not_allowed(asked.method, asked.path)
        wanted = batch(asked.query)
        found = await route.find(context, *parts, wanted)
        if found is None:
            raise not_found(asked.path)
        if route.collection is not None:
            type_id = route.collection.name
        else:
            type_id = f"{route.target}-page-resource"
        if asked.query.get("ws.show") == "total_size":
            return as_json(found.total)
        type_link = f"{asked.root}#{type_id}"
        return await self._page(asked, route.target, found, wanted, resource_type_link=type_link)

    async def _entry(self, asked: Asked, context: Any, kind: EntryType, subject: Any) -> Reply:
        if "ws.op" in asked.query or asked.method == "POST":
            return await self._operation(asked, context, kind, subject)
        if asked.method in ("PATCH", "PUT"):
            return await self._change(asked, context, kind, subject)
        if asked.method not in ("GET", "HEAD"):
            raise not_allowed(asked.method, asked.path)
        shown = self._written(asked, kind, subject)
        if asked.headers.get("if-none-match") == shown.etag:
            return Reply(HTTPStatus.NOT_MODIFIED, headers={"ETag": shown.etag})
        return Reply(HTTPStatus.OK, shown.body, headers={"ETag": shown.etag})

    async def _change(self, asked: Asked, context: Any, kind: EntryType, subject: Any) -> Reply:
        if kind.change is None:
            raise not_allowed(asked.method, asked.path)
        _require(context, kind, kind.deed, subject)
        before = self._shown(asked, kind, subject)
        expected = asked.headers.get("if-match")
        if expected is not None and not same_to_write(before["http_etag"], expected):
            raise _changed_meanwhile(asked, HTTPStatus.PRECONDITION_FAILED)
        values = new_values(kind, asked.json(), before, asked.root)
        try:
            after = await kind.change(context, subject, values) if values else subject
        except StaleState as error:  # between that look at it and this
            unasked = expected is None
            status = HTTPStatus.CONFLICT if unasked else HTTPStatus.PRECONDITION_FAILED
            raise _changed_meanwhile(asked, status) from error
        shown = self._shown(asked, kind, after)
        if shown["self_link"] != before["self_link"]:
            return as_json(shown, HTTPStatus.MOVED_PERMANENTLY, Location=shown["self_link"])
        return as_json(shown, CONTENT_RETURNED, ETag=shown["http_etag"])

    async def _operation(
        self, asked: Asked, context: Any, kind: EntryType | CollectionType | None, subject: Any
    ) -> Reply:
        if asked.body_stream is not None:
            return await self._with_files(asked, asked.body_stream, context, kind, subject)
        given = asked.form if asked.method == "POST" else asked.query
        name = given.get("ws.op", "")
        operations = () if kind is None else kind.operations
        operation = next((one for one in operations if one.name == name), None)
        if operation is None:
            raise Refused(f"{asked.path} has no operation {name!r}.")
        if operation.method != asked.method:
            raise not_allowed(asked.method, f"{asked.path} ws.op={name}")
        _require(context, kind, operation.deed, subject)
        if operation.has_file:
            raise _no_form(f"{name} takes files")
        called = arguments(operation, given, asked.root)
        if operation.answer is Answer.PAGE:
            wanted = batch(asked.query)
            found = await operation.call(context, subject, wanted, **called)
            if asked.query.get("ws.show") == "total_size":
                return as_json(found.total)
            return await self._page(asked, operation.target, found, wanted)
        return self._result(asked, operation, await operation.call(context, subject, **called))

    async def _with_files(
        self,
        asked: Asked,
        body: BodyStream,
        context: Any,
        kind: EntryType | CollectionType | None,
        subject: Any,
    ) -> Reply:
        """Call the operation that takes files; who may not do that is told before they are read."""
        operations = () if kind is None else kind.operations
        operation = next((one for one in operations if one.has_file), None)
        if operation is None:
            raise Denied(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{asked.path} takes no files.")
        _require(context, kind, operation.deed, subject)
        async with context.receiving(body, asked.headers.get("content-type", "")) as form:
            if form.fields.get("ws.op", asked.query.get("ws.op")) != operation.name:
                raise Refused(f"Of {asked.path} only {operation.name} takes files.")
            called = arguments(operation, form.fields, asked.root)
            result = await operation.call(context, subject, files=form.files, **called)
        return self._result(asked, operation, result)

    def _result(self, asked: Asked, operation: Operation, result: Any) -> Reply:
        """What an operation that answers with no page has given, as its answer."""
        if operation.answer is Answer.VALUE:
            return as_json(result)
        kind = self._service.entries[operation.target]
        if operation.answer is Answer.ENTRY:
            if result is None:
                return as_json(None)
            return Reply(HTTPStatus.OK, self._written(asked, kind, result).body)
        address = str(link(asked.root, kind.path(result.subject)))
        if not operation.listed:
            return Reply(HTTPStatus.CREATED, headers={"Location": address})
        listed = self._service.entries[operation.listed]
        shown = [self._shown(asked, listed, one) for one in result.listed]
        return as_json(shown, HTTPStatus.CREATED, Location=address)

    async def _page(
        self, asked: Asked, target: str, found: Page, wanted: Batch, **more: str
    ) -> Reply:
        kind = self._service.entries[target]
        slices, entries = Slices(self._reactor), []
        for one in found.subjects:
            entries.append(self._written(asked, kind, one).body)
            await slices.rest()
        shown = page(len(entries), found.total, wanted, asked.url, asked.query)
        return Reply(HTTPStatus.OK, with_entries({**more, **shown}, entries))

    def _written(self, asked: Asked, kind: EntryType, subject: Any) -> Written:
        return written(kind, subject, asked.root)

    def _shown(self, asked: Asked, kind: EntryType, subject: Any) -> dict[str, Any]:
        return entry(kind, subject, asked.root)


def _require(
    context: Any, kind: EntryType | CollectionType | None, deed: Deed | None, subject: Any
) -> None:
    """Raises Denied unless the visitor may do `deed` to this `subject`."""
    if deed is None:
        return
    archive_of = kind.archive_of if isinstance(kind, EntryType) else None
    context.require(deed, None if archive_of is None else archive_of(subject))


def _changed_meanwhile(asked: Asked, status: HTTPStatus) -> Denied:
    sentence = f"{asked.path} was changed meanwhile; look at it again before you change it."
    return Denied(status, sentence)


def _no_form(why: str) -> Denied:
    return Denied(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{why}: send multipart/form-data.")


def _conditional(asked: Asked, body: bytes, content_type: str) -> Reply:
    etag = f'"{hash_of(body)}"'
    if asked.headers.get("if-none-match") == etag:
        return Reply(HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
    return Reply(HTTPStatus.OK, body, content_type, {"ETag": etag})


def hash_of(body: bytes) -> str:
    """A short name of this content."""
    return hashlib.sha256(body).hexdigest()[:32]
