"""Reading XML-RPC: what is a message is understood, and everything else is refused in one way."""

import xmlrpc.client

from hypothesis import example, given
from hypothesis import strategies as st
from testtools import ExpectedException

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.wire.rpcreading import decode_call, decode_reply
from buildfarm.wire.rpcvalues import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_TAGS,
    Call,
    Fault,
    MalformedMessage,
    Value,
)


def reply(value: str) -> bytes:
    return (
        "<?xml version='1.0'?><methodResponse><params><param>"
        f"{value}</param></params></methodResponse>"
    ).encode()


def read(value: str) -> Value | Fault:
    return decode_reply(reply(value))


class TestValues(FarmTestCase):
    """What each element amounts to."""

    def test_a_value_without_a_type_is_a_string(self) -> None:
        """As XML-RPC has it."""
        self.assertEqual(" a<b ", read("<value> a&lt;b </value>"))
        self.assertEqual("", read("<value/>"))

    def test_each_type_is_understood(self) -> None:
        """And integers also by their other name."""
        for text, value in [
            ("<string>é</string>", "é"),
            ("<int> -12 </int>", -12),
            ("<i4>+7</i4>", 7),
            ("<boolean>1</boolean>", True),
            ("<boolean>0</boolean>", False),
            ("<double>-1.5e2</double>", -150.0),
            ("<base64>\nAP8=\n</base64>", b"\x00\xff"),
            ("<base64></base64>", b""),
            ("<nil/>", None),
            ("<array><data><value><nil/></value></data></array>", [None]),
            ("<array><data></data></array>", []),
            ("<struct><member><name>k</name><value>v</value></member></struct>", {"k": "v"}),
            ("<struct></struct>", {}),
        ]:
            self.assertEqual(value, read(f"<value>{text}</value>"))

    def test_a_fault_is_told_from_a_value(self) -> None:
        """A value that looks like a fault is a value."""
        struct = (
            "<value><struct><member><name>faultCode</name><value><int>8002</int></value></member>"
            "<member><name>faultString</name><value>error</value></member></struct></value>"
        )
        fault = f"<methodResponse><fault>{struct}</fault></methodResponse>".encode()
        self.assertEqual(Fault(8002, "error"), decode_reply(fault))
        self.assertEqual({"faultCode": 8002, "faultString": "error"}, read(struct))

    def test_a_call_may_be_without_params(self) -> None:
        """The element is optional."""
        call = b"<methodCall><methodName>status</methodName></methodCall>"
        self.assertEqual(Call("status", ()), decode_call(call))


class TestRefusals(FarmTestCase):
    """What is refused."""

    def assert_refused(self, body: bytes) -> None:
        for decode in (decode_reply, decode_call):
            with ExpectedException(MalformedMessage):
                decode(body)

    def test_a_document_type_is_refused(self) -> None:
        """With or without entities, since they are what it is for."""
        lol = "<!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>"
        self.assert_refused(f"{lol}<methodResponse/>".encode())
        self.assert_refused(b"<!DOCTYPE methodResponse><methodResponse/>")
        self.assert_refused(b"<!DOCTYPE r SYSTEM 'file:///etc/passwd'><methodResponse/>")

    def test_an_entity_that_nobody_declared_is_refused(self) -> None:
        """There is nothing that it could mean."""
        self.assert_refused(reply("<value>&b;</value>"))

    def test_a_processing_instruction_is_refused(self) -> None:
        """The declaration at the beginning is none."""
        self.assert_refused(reply("<?php echo 1 ?><value>x</value>"))

    def test_comments_and_cdata_are_refused(self) -> None:
        """No daemon sends them."""
        self.assert_refused(reply("<value><!-- x -->x</value>"))
        self.assert_refused(reply("<value><![CDATA[x]]></value>"))

    def test_utf_16_cannot_hide_anything(self) -> None:
        """It is refused, whatever is in it."""
        self.assert_refused(reply("<value>x</value>").decode().encode("utf-16"))

    def test_another_encoding_is_not_looked_up(self) -> None:
        """Whatever the document says of itself, its bytes are UTF-8."""
        plain = reply("<value>é</value>").partition(b"?>")[2]
        for encoding in (b"iso-8859-1", b"koi8-r", b"rot13"):
            declared = b"<?xml version='1.0' encoding='%b'?>" % encoding
            self.assertEqual("é", decode_reply(declared + plain))
            self.assert_refused(declared + plain.replace("é".encode(), b"\xe9"))

    def test_what_is_too_large_or_too_deep_is_refused(self) -> None:
        """Each bound by itself; just within it the message is read."""
        self.assert_refused(reply(f"<value>{'x' * MAX_BYTES}</value>"))
        many = "<value/>" * (MAX_TAGS - 13)
        self.assertEqual(MAX_TAGS - 13, len(self.read_array(many)))
        self.assert_refused(reply(f"<value><array><data>{many}<value/></data></array></value>"))
        nested = "<value><array><data>", "</data></array></value>"
        read(nested[0] * MAX_DEPTH + nested[1] * MAX_DEPTH)
        for depth in (MAX_DEPTH + 1, 2000):
            self.assert_refused(reply(nested[0] * depth + nested[1] * depth))

    def read_array(self, values: str) -> list[Value]:
        value = read(f"<value><array><data>{values}</data></array></value>")
        assert isinstance(value, list)
        return value

    def test_a_value_of_the_wrong_form_is_refused(self) -> None:
        """Numbers out of range, digits of other scripts, broken base64, unknown types."""
        for text in (
            "<int></int>",
            "<int>2147483648</int>",
            "<int>٣</int>",
            "<int>1_0</int>",
            "<boolean>true</boolean>",
            "<boolean>2</boolean>",
            "<double>nan</double>",
            "<double>1e999</double>",
            "<base64>AP8</base64>",
            "<base64>A P!8=</base64>",
            "<i8>1</i8>",
            "<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>",
            "<int>1</int>text",
            "<int>1</int><int>2</int>",
            "<nil>x</nil>",
            "<array></array>",
            "<array><value/></array>",
            "<array><data/><data/></array>",
        ):
            self.assert_refused(reply(f"<value>{text}</value>"))

    def test_a_struct_is_names_with_values_each_once(self) -> None:
        """Nothing else, in no other order."""
        name, value = "<name>k</name>", "<value>v</value>"
        for members in (
            f"<member>{value}{name}</member>",
            f"<member>{name}</member>",
            f"<member>{name}{value}{value}</member>",
            f"<member>{name}{value}</member>" * 2,
            f"{name}{value}",
        ):
            self.assert_refused(reply(f"<value><struct>{members}</struct></value>"))

    def test_a_response_is_one_value_or_one_fault(self) -> None:
        """Not none, not two, not a fault without code and text."""
        for inside in (
            "",
            "<params></params>",
            "<params><param/></params>",
            "<params><param><value/></param><param><value/></param></params>",
            "<fault></fault>",
            "<fault><value>oh</value></fault>",
        ):
            self.assert_refused(f"<methodResponse>{inside}</methodResponse>".encode())

    def test_a_call_has_a_name(self) -> None:
        """A call of nothing is none."""
        self.assert_refused(b"<methodCall></methodCall>")
        self.assert_refused(b"<methodCall><params/></methodCall>")
        self.assert_refused(b"<methodCall><methodName></methodName></methodCall>")

    def test_a_call_is_no_reply(self) -> None:
        """Nor the other way round."""
        with ExpectedException(MalformedMessage):
            decode_call(reply("<value/>"))
        with ExpectedException(MalformedMessage):
            decode_reply(b"<methodCall><methodName>x</methodName></methodCall>")


_TAGS = [
    "methodResponse",
    "methodCall",
    "methodName",
    "params",
    "param",
    "fault",
    "value",
    "array",
    "data",
    "struct",
    "member",
    "name",
    "string",
    "int",
    "boolean",
    "double",
    "base64",
    "nil",
]


class TestAnyBytes(FarmTestCase):
    """Whatever a stranger sends, it is a message or it is refused."""

    def read_or_refuse(self, body: bytes) -> None:
        for decode in (decode_reply, decode_call):
            try:
                decode(body)
            except MalformedMessage:
                continue

    @given(st.binary(max_size=400))
    @example(b"\xef\xbb\xbf<methodResponse/>")
    @example(b"<methodResponse>\xed\xa0\x80</methodResponse>")
    def test_any_bytes(self, body: bytes) -> None:
        """There is no other error."""
        self.read_or_refuse(body)

    @given(st.lists(st.tuples(st.sampled_from(_TAGS), st.sampled_from("()/x")), max_size=30))
    def test_any_elements(self, parts: list[tuple[str, str]]) -> None:
        """Nor where the elements are those of a message in any order."""
        forms = {"(": "<{}>", ")": "</{}>", "/": "<{}/>", "x": "{}"}
        text = "".join(forms[form].format(tag) for tag, form in parts)
        self.read_or_refuse(text.encode())
        self.read_or_refuse(f"<methodResponse><params><param>{text}".encode())

    @given(st.data())
    def test_a_message_that_was_damaged(self, data: st.DataObject) -> None:
        """Nor where a part of a true message is missing or other."""
        good = xmlrpc.client.dumps(({"a": [1, b"x", None]},), allow_none=True, methodresponse=True)
        body = bytearray(good.encode())
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(len(body), start + 20)))
        body[start:end] = data.draw(st.binary(max_size=20))
        self.read_or_refuse(bytes(body))
