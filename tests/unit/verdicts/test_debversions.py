"""Versions in dpkg's order."""

from itertools import pairwise

from debian.debian_support import NativeVersion
from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.verdicts.debversions import compare, is_version

_PART = st.text("0123456789az.+~", min_size=1, max_size=8).map(lambda text: "1" + text)
_VERSIONS = st.builds(
    lambda epoch, upstream, revision: f"{epoch}{upstream}{revision}",
    st.sampled_from(["", "0:", "1:", "12:"]),
    _PART,
    st.one_of(st.just(""), _PART.map(lambda text: f"-{text}")),
)


class TestCompare(FarmTestCase):
    @given(_VERSIONS, _VERSIONS)
    def test_as_dpkg(self, one: str, other: str) -> None:
        """The order is python-debian's, which is dpkg's."""
        mine, theirs = NativeVersion(one), NativeVersion(other)
        expected = (mine > theirs) - (mine < theirs)
        order = compare(one, other)
        self.assertEqual(expected, (order > 0) - (order < 0))

    def test_examples(self) -> None:
        """A tilde comes before the end, epochs come first, and a missing revision is 0."""
        ordered = ["1.0~rc1-1", "1.0", "1.0-0.1", "1.0-1", "1.0+b1-1", "1.0.1-1", "1.10-1", "1:0"]
        self.assertEqual([-1] * 7, [sign(*pair) for pair in pairwise(ordered)])
        self.assertEqual(0, compare("1.0", "1.0-0"))

    def test_is_version(self) -> None:
        """What cannot be a version is none."""
        self.assertEqual(
            [True, True, False, False],
            [is_version(text) for text in ("2:1.0~a+b-1", "0", "", "1 0")],
        )


def sign(one: str, other: str) -> int:
    """-1, 0 or 1."""
    order = compare(one, other)
    return (order > 0) - (order < 0)
