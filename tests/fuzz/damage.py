"""What fuzzers send: anything, and what was right before a stranger changed it."""

from itertools import pairwise

from hypothesis import strategies as st

_PIECES = st.binary(min_size=1, max_size=12) | st.sampled_from(
    [
        b"\0",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\xff\xfe",
        b"../../x",
        b"%s" * 3,
        b"\x1b[2J",
        b"-1",
        b"9" * 40,
        b"<",
        b"&#0;",
        b"[" * 60,
        "\u202e\u0661\u00b2".encode(),
    ]
)


@st.composite
def damaged(draw: st.DrawFn, sound: bytes) -> bytes:
    """`sound` with up to four changes: pieces put in, taken out, repeated, cut off."""
    data = bytearray(sound)
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 20))
        match draw(st.sampled_from(["put", "replace", "take", "repeat", "cut"])):
            case "put":
                data[place:place] = draw(_PIECES)
            case "replace":
                data[place : place + length] = draw(_PIECES)
            case "take":
                del data[place : place + length]
            case "repeat":
                data[place:place] = data[place : place + length] * draw(st.integers(1, 50))
            case "cut":
                del data[place:]
    return bytes(data)


def damaged_or_any(sound: bytes) -> st.SearchStrategy[bytes]:
    """Mostly what was right before."""
    return st.one_of(damaged(sound), damaged(sound), st.binary(max_size=200))


@st.composite
def pieces_of(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """`data` as a network may bring it."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=5)))
    edges = [0, *cuts, len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]
