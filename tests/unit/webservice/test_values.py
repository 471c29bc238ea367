"""Arguments and new values as clients send them."""

import json
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.errors import Refused
from buildfarm.webservice.declarations import Field, Kind, Operation, Parameter
from buildfarm.webservice.values import arguments, checked, path_of

ROOT = "http://farm.test/devel/"

PLAIN = (Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.TIME, Kind.LIST, Kind.LINK)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some),
    max_leaves=5,
)


async def nothing(*_args: Any, **_named: Any) -> None:
    """What an operation does is not looked at here."""


def called(kind: Kind, sent: str, **details: Any) -> Any:
    """The argument of an operation that takes one of `kind`, sent so."""
    operation = Operation("go", nothing, "Go.", (Parameter("value", "It.", kind, **details),))
    return arguments(operation, {"value": sent}, ROOT)["value"]


class ArgumentTests(FarmTestCase):
    @given(st.text())
    def test_texts_come_as_json_or_as_they_are(self, text: str) -> None:
        """launchpadlib puts quotes around them, people who type addresses do not."""
        kept = "\0" not in text
        for sent in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
            if kept:
                self.assertEqual(text, called(Kind.TEXT, sent))
            else:
                self.assertRaises(Refused, called, Kind.TEXT, sent)
        self.assertEqual("bob", called(Kind.TEXT, "bob"))
        self.assertEqual("123", called(Kind.TEXT, "123"))

    @given(st.integers(-(2**31), 2**31 - 1), st.booleans(), st.lists(st.sampled_from("ab")))
    def test_numbers_truth_and_lists_come_as_json(
        self, number: int, truth: bool, some: list[str]
    ) -> None:
        """They are what they were at the client."""
        self.assertEqual(number, called(Kind.INTEGER, json.dumps(number)))
        self.assertEqual(truth, called(Kind.BOOLEAN, json.dumps(truth)))
        self.assertEqual(some, called(Kind.LIST, json.dumps(some)))
        self.assertEqual(number / 2, called(Kind.NUMBER, json.dumps(number / 2)))

    def test_truth_as_python_writes_it(self) -> None:
        """`True` in an address is true."""
        self.assertEqual([True, False], [called(Kind.BOOLEAN, sent) for sent in ("True", "False")])

    def test_choices_come_as_they_are(self) -> None:
        """And what is none of them is told, with all of them."""
        choices = ("Clean", "Dirty")
        self.assertEqual("Clean", called(Kind.TEXT, "Clean", choices=choices))
        refused = self.assertRaises(Refused, called, Kind.TEXT, '"Clean"', choices=choices)
        self.assertEqual("value: '\"Clean\"' is none of Clean, Dirty.", str(refused))

    def test_files_are_no_texts(self) -> None:
        """What is to come as a file is not taken as a text."""
        refused = self.assertRaises(Refused, called, Kind.FILE, "some text")
        self.assertEqual("go takes no 'value'.", str(refused))

    @given(st.sampled_from(PLAIN), st.text() | json_values.map(json.dumps))
    def test_whatever_is_sent_is_a_value_or_refused(self, kind: Kind, sent: str) -> None:
        """No argument is an error of ours."""
        try:
            found = called(kind, sent)
        except Refused as error:
            self.assertTrue(str(error).startswith("value: "))
            return
        self.assertIsInstance(found, TYPES[kind])


class ValueTests(FarmTestCase):
    @given(st.sampled_from(PLAIN), json_values)
    def test_any_new_value_is_taken_or_refused(self, kind: Kind, value: Any) -> None:
        """A PATCH with any JSON in it has an answer."""
        try:
            found = checked(Field("value", lambda _one: None, "It.", kind), value, ROOT)
        except Refused:
            return
        self.assertIsInstance(found, (TYPES[kind], type(None)))

    def test_times_are_kept_in_utc(self) -> None:
        """Whatever zone they come in; without one they are UTC already."""
        declared = Field("value", lambda _one: None, "It.", Kind.TIME)
        for sent, kept in (
            ("2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5)),
            ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5)),
            ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
        ):
            self.assertEqual(kept, checked(declared, sent, ROOT))
        for sent in ("yesterday", "0001-01-01T00:00:00+14:00"):
            self.assertRaises(Refused, checked, declared, sent, ROOT)

    def test_numbers_have_bounds(self) -> None:
        """What no database keeps is refused before it is asked to."""
        for kind, value in (
            (Kind.INTEGER, 2**31),
            (Kind.INTEGER, -(2**31) - 1),
            (Kind.NUMBER, float("nan")),
            (Kind.NUMBER, float("inf")),
            (Kind.NUMBER, 10**400),
            (Kind.TEXT, "a\0b"),
            (Kind.TEXT, "\ud800"),
            (Kind.LIST, ["a\0b"]),
            (Kind.LINK, "/builders/%00"),
        ):
            declared = Field("value", lambda _one: None, "It.", kind)
            self.assertRaises(Refused, checked, declared, value, ROOT)


class LinkTests(FarmTestCase):
    def test_ways_to_write_a_link(self) -> None:
        """The whole URL by any of our names, or the path of it."""
        for sent in (
            f"{ROOT}builders/bob",
            "https://another.name:8085/devel/builders/bob",
            "/builders/bob",
        ):
            self.assertEqual("/builders/bob", path_of(sent, ROOT))

    def test_what_leads_elsewhere(self) -> None:
        """Other services, other schemes and what is no link are refused."""
        for sent in ("http://farm.test/archive/main", "ftp://farm.test/devel/x", "bob", "http://["):
            self.assertRaises(ValueError, path_of, sent, ROOT)
        self.assertRaises(TypeError, path_of, 7, ROOT)


TYPES: dict[Kind, Any] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.NUMBER: (int, float),
    Kind.BOOLEAN: bool,
    Kind.TIME: datetime,
    Kind.LIST: list,
    Kind.LINK: str,
}
