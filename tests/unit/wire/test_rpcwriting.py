"""Writing XML-RPC: every value that has a form is read back as it was, by us and by others."""

import xmlrpc.client

from hypothesis import given
from hypothesis import strategies as st
from testtools import ExpectedException

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.wire.rpcreading import decode_call, decode_reply
from buildfarm.wire.rpcvalues import Call, Fault, MalformedMessage, Value
from buildfarm.wire.rpcwriting import encode_call, encode_fault, encode_reply

_TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r<>&'\"")
)
_SCALARS: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda x: round(x, 3)),
    st.binary(max_size=200),
    _TEXTS,
)
_VALUES: st.SearchStrategy[Value] = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=8,
)


class TestWriting(FarmTestCase):
    """Messages from values."""

    @given(_VALUES)
    def test_a_reply_is_read_back_as_it_was(self, value: Value) -> None:
        """Whitespace, carriage returns and markup in texts included."""
        self.assertEqual(value, decode_reply(encode_reply(value)))

    @given(st.lists(_SCALARS, max_size=4))
    def test_a_call_is_read_back_as_it_was(self, params: list[Value]) -> None:
        """Method and parameters."""
        self.assertEqual(Call("build", tuple(params)), decode_call(encode_call("build", params)))

    @given(_VALUES)
    def test_the_standard_library_reads_the_same(self, value: Value) -> None:
        """The daemon uses it."""
        params, method = xmlrpc.client.loads(encode_call("echo", [value]), use_builtin_types=True)
        self.assertEqual(("echo", (value,)), (method, params))

    def test_a_fault_is_read_back_as_it_was(self) -> None:
        """Code and text."""
        fault = Fault(8001, "procedure <x> not found")
        self.assertEqual(fault, decode_reply(encode_fault(fault)))

    def test_what_has_no_form_is_refused_before_it_is_sent(self) -> None:
        """Large integers, control characters, strange types, names that are none."""
        for value in (2**31, float("nan"), float("inf"), "\x00", "\ud800", {1: 2}, {1}, object()):
            with ExpectedException(MalformedMessage):
                encode_call("echo", [value])
