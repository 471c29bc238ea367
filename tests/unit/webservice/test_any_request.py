"""Whatever is asked of the web service, it has an answer; nothing that comes is a fault of ours."""

import json
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from buildfarm.vocab.access import ANYBODY
from buildfarm.webservice.answers import CONTENT_RETURNED
from buildfarm.webservice.catalogue import ROUTES
from buildfarm.webservice.declarations import EntryType, Operation
from buildfarm.webservice.requests import Asked
from tests.unit.webservice.farmcase import MODERATOR, ROOT, FarmServiceTestCase

#: What stands for a `*` behind each part of an address; at its beginning, and behind nothing known.
NAMES = {"builders": "bob", "+processors": "amd64", "+archive": "main", "~*": "~ann"}
NUMBERED = ("+build", "attempts", "+sourcepub")

#: Every answer that is none of a fault.
ANSWERS = {200, 201, 301, 303, 304, 400, 401, 403, 404, 405, 409, 412, 415, CONTENT_RETURNED}


def address(pattern: str) -> str:
    """An address of this pattern at which something is."""
    parts: list[str] = []
    for part in pattern.split("/"):
        before = parts[-1] if parts else ""
        if part == "~*":
            parts.append(NAMES[part])
        elif part != "*":
            parts.append(part)
        elif before in NUMBERED:
            parts.append("1")
        else:
            parts.append(NAMES.get(before, "bookworm" if parts else "debian"))
    return "/".join(parts)


def operations() -> list[tuple[str, Operation]]:
    """Every operation, with an address that has it."""
    return [
        (address(route.pattern), operation)
        for route in ROUTES
        for kind in (route.kind, route.collection)
        if kind is not None
        for operation in kind.operations
    ]


def changeable() -> list[tuple[str, EntryType]]:
    """Every entry that can be changed."""
    return [
        (address(route.pattern), route.kind)
        for route in ROUTES
        if route.kind is not None and route.kind.change is not None
    ]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=5), some),
    max_leaves=4,
)
likely = st.sampled_from(
    ["/+processors/amd64", "/~ann", "/debian/bookworm", "Clean", "Release", "1.1", "http://h:1/"]
)
sent = st.text(max_size=20) | values.map(json.dumps) | likely | likely.map(json.dumps)
visitors = st.sampled_from([MODERATOR, ANYBODY])

quietly = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)


class AnyRequestTests(FarmServiceTestCase):
    """The farm changes with what is asked; what is asked next has an answer all the same."""

    def answered(self, method: str, where: str, **details: Any) -> None:
        """Ask, and look at the answer."""
        reply = self.successResultOf(self.request(method, where, **details))
        self.assertIn(reply.status, ANSWERS, reply.body)
        if reply.status >= 400:
            self.assertTrue(reply.body.decode())

    @quietly
    @given(st.sampled_from(operations()), st.data(), visitors)
    def test_operations(self, chosen: tuple[str, Operation], data: Any, visitor: Any) -> None:
        """Named operations with arguments of all kinds, as anybody and as a moderator."""
        where, operation = chosen
        if operation.has_file:
            return
        given = {
            one.name: data.draw(st.sampled_from(one.choices) if one.choices else sent)
            for one in operation.parameters
            if one.required or data.draw(st.booleans())
        }
        form = {"ws.op": operation.name, **given}
        if operation.method == "POST":
            self.answered("POST", where, form=form, visitor=visitor)
        else:
            self.asked(where, form, visitor)

    def asked(self, where: str, query: dict[str, str], visitor: Any) -> None:
        """Ask with these arguments in the address."""
        asked = Asked("GET", ROOT, f"/{where}", query, visitor=visitor)
        reply = self.successResultOf(self.service.answer(asked))
        self.assertIn(reply.status, ANSWERS, reply.body)

    @quietly
    @given(st.sampled_from(changeable()), st.data())
    def test_changes(self, chosen: tuple[str, EntryType], data: Any) -> None:
        """New values of all kinds for what can be written."""
        where, kind = chosen
        names = [one.wire_name for one in kind.fields if one.writable]
        new = data.draw(
            st.dictionaries(st.sampled_from(names), values | likely, min_size=1, max_size=3)
        )
        body = json.dumps(new).encode()
        self.answered("PATCH", where, headers={"content-type": "application/json"}, body=body)

    @quietly
    @given(st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "X"]), st.text())
    @example("GET", "debian/+archive/main/+build/99999999999999999")
    @example("GET", "~")
    @example("GET", "//")
    def test_addresses(self, method: str, path: str) -> None:
        """Addresses and methods of all kinds."""
        asked = Asked(method, ROOT, f"/{path}", visitor=MODERATOR)
        reply = self.successResultOf(self.service.answer(asked))
        self.assertIn(reply.status, ANSWERS, reply.body)

    def test_every_address_is_there(self) -> None:
        """What the others ask about exists, so that they ask more than whether it does."""
        for route in ROUTES:
            where = address(route.pattern)
            reply = self.successResultOf(self.request("GET", where))
            self.assertIn(reply.status, (200, 303), where)
