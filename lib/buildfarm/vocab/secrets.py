"""Secrets that may stand in text, blotted out before the text is kept or shown.

Layer 0; tests in `tests/unit/vocab/test_secrets.py`. What is looked for: user and password of a
URL, tokens of private builds, `Authorization` headers, passwords of connection strings, and private
keys. Each byte of a secret becomes `*`, so that positions in a log stay what they were.

All of it is linear in the text, whatever that holds: builders choose it.
"""

import re

#: Bytes of a line without an end that are held back at most. A word longer than this is blotted
#: out whole, since it cannot be told what it will be.
MAX_HELD = 16 * 1024

#: Bytes of a private key; what follows a beginning without an end is text again after as many.
MAX_KEY = 256 * 1024

# Every byte but white space becomes `*`.
_SPACES = (b" ", b"\t", b"\r", b"\n", b"\v", b"\f")
_BLOTTED = bytes(byte if bytes([byte]) in _SPACES else ord("*") for byte in range(256))

#: Bytes of the longest line that begins or ends a key.
_MARK = 80

_URL = re.compile(rb"://(\S*)")
_AUTHORITY = re.compile(rb"[^/?#]*")
_PORT = re.compile(rb"[0-9]{0,5}[^0-9A-Za-z]{0,8}")
_TOKEN = re.compile(rb"bdt-[0-9]+(?:-[0-9]*(?:-[fa]?(?:-[0-9a-f]{0,64})?)?)?")
_HEADER = re.compile(rb"authorization[\"']?[ \t]{0,8}[:=]([^\n]*)", re.IGNORECASE)
_HEADER_NAME = re.compile(rb"authorization[\"']?[ \t]*$", re.IGNORECASE)
_PASSWORD = re.compile(rb"passw(?:or)?d=('[^'\n]*'?|[^\s&;]*)", re.IGNORECASE)
_KEY_BEGINS = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_MARK_BEGUN = re.compile(rb"-----[A-Z0-9 ]*$")
_ARMOR = re.compile(rb"^(?:[0-9A-Za-z+/=]{60,80}\r?$|[0-9A-Za-z+/=]{16,80}\Z)", re.MULTILINE)
_SPACE = re.compile(rb"\s")
_LINE_END = re.compile(rb"[\r\n]+")

# What no secret is without, in lower case.
_SIGNS = (b"://", b"bdt-", b"authorization", b"passw", b"private key")
_TEXT_SIGNS = tuple(sign.decode() for sign in _SIGNS)


class SecretFilter:
    """A stream of bytes without its secrets, however it is cut into pieces.

    What `feed` returns is as long, in all, as what it was fed, but for what is held back: the end
    of an unfinished line, at most `MAX_HELD` bytes. `finish` returns that.
    """

    def __init__(self) -> None:
        self._held = b""
        #: What the stream is in the middle of: a key, a header, a word that is too long.
        self._key_left = 0
        self._in_header = False
        self._in_word = False

    def feed(self, piece: bytes) -> bytes:
        """What can be shown by now."""
        data = self._held + piece
        cut = data.rfind(b"\n") + 1
        if len(data) - cut > MAX_HELD:
            cut = _cut_in_line(data, cut)
        if len(data) - cut > MAX_HELD:
            end = len(data) - _MARK
            shown = self._cleaned(data[:cut]) + self._hidden(data[cut:end])
            self._held, self._in_word = data[end:], True
            return shown
        self._held = data[cut:]
        return self._cleaned(data[:cut])

    def finish(self) -> bytes:
        """The rest: the stream has ended, perhaps in the middle of a secret."""
        data, self._held = self._held, b""
        return self._cleaned(data)

    def _hidden(self, data: bytes) -> bytes:
        """Part of a word of which it is not known what it is."""
        self._key_left = max(0, self._key_left - len(data))
        return _blot(data)

    def _cleaned(self, data: bytes) -> bytes:
        """`data`, which ends with a word; it may begin with the end of one that is hidden."""
        if not (self._in_word and data):
            return self._cleaned_words(data)
        space = _SPACE.search(data)
        end = len(data) if space is None else space.start()
        self._in_word = space is None
        # The end of that word may begin a header or a key.
        cleaned = self._cleaned_words(data)
        return _blot(cleaned[:end]) + cleaned[end:]

    def _cleaned_words(self, data: bytes) -> bytes:
        if not (self._key_left or self._in_header):
            lower = data.lower()
            if not any(sign in lower for sign in _SIGNS):
                return data
        data = self._without_keys(data)
        data = self._without_headers(data)
        data = _PASSWORD.sub(_blot_group, data)
        data = _TOKEN.sub(lambda match: _blot(match[0]), data)
        return _URL.sub(_without_credentials, data)

    def _without_keys(self, data: bytes) -> bytes:
        parts = []
        while data:
            if not self._key_left:
                begins = _KEY_BEGINS.search(data)
                if begins is None:
                    break
                parts.append(data[: begins.end()])
                data, self._key_left = data[begins.end() :], MAX_KEY
            ends = _KEY_ENDS.search(data, 0, self._key_left)
            end = min(len(data), self._key_left) if ends is None else ends.start()
            parts.append(_blot(data[:end]))
            data = data[end:]
            self._key_left = 0 if ends is not None else self._key_left - end
        return b"".join([*parts, data])

    def _without_headers(self, data: bytes) -> bytes:
        if not data:
            return data
        line_end = data.find(b"\n")
        if self._in_header:
            end = len(data) if line_end < 0 else line_end
            first, data = _blot(data[:end]), data[end:]
        else:
            first = b""
        last = data[data.rfind(b"\n") + 1 :] if line_end >= 0 or not self._in_header else b""
        if line_end >= 0 or not self._in_header:
            self._in_header = bool(_HEADER.search(last) or _HEADER_NAME.search(last))
        return first + _HEADER.sub(_blot_group, data)


def without_secrets(text: str) -> str:
    """`text`, which is whole, without its secrets."""
    lower = text.lower()
    if not any(sign in lower for sign in _TEXT_SIGNS):
        return text
    stream = SecretFilter()
    cleaned = stream.feed(text.encode("utf-8", "surrogatepass") + b"\n")[:-1]
    return cleaned.decode("utf-8", "surrogatepass")


def tail_without_secrets(tail: bytes, full: int) -> bytes:
    """The end of a log that is at most `full` bytes; one of that length begins anywhere.

    The line that it begins in is left out then, since only its end can be seen, and so is what
    may be the rest of a private key.
    """
    if len(tail) >= full:
        tail = tail[_first_line_end(tail) :]
        ends, begins = _KEY_ENDS.search(tail), _KEY_BEGINS.search(tail)
        if ends is not None and (begins is None or ends.start() < begins.start()):
            tail = tail[ends.end() :]
        tail = _ARMOR.sub(lambda match: _blot(match[0]), tail)
    stream = SecretFilter()
    return stream.feed(tail) + stream.finish()


def _first_line_end(tail: bytes) -> int:
    """Where the second line begins, or the second word where there is no second line."""
    for kind in (_LINE_END, _SPACE):
        if found := kind.search(tail):
            return found.end()
    return len(tail)


def _cut_in_line(data: bytes, start: int) -> int:
    """Where a line may be cut that has no end yet: after a word, and not within a key's mark."""
    stop = len(data) - _MARK
    cut = 1 + max(data.rfind(space, start, stop) for space in _SPACES)
    if cut <= start:
        return start
    begun = _MARK_BEGUN.search(data, max(start, cut - _MARK), cut)
    return cut if begun is None else begun.start()


def _without_credentials(match: re.Match[bytes]) -> bytes:
    """A word from `://` on, which may hold several URLs, without users and passwords."""
    parts = match[1].split(b"://")
    return b"://" + b"://".join(_without_user(part) for part in parts)


def _without_user(url: bytes) -> bytes:
    authority = _AUTHORITY.match(url)
    assert authority is not None, "it matches anything"
    at = authority[0].rfind(b"@")
    if at < 0:
        # A password with a slash in it is no URL's, and people write it all the same.
        _, colon, rest = authority[0].partition(b":")
        if not colon or _PORT.fullmatch(rest) or url.startswith(b"["):
            return url
        at = url.rfind(b"@")
        if at < 0:
            at = len(url)
    return _blot(url[:at]) + url[at:]


def _blot(data: bytes) -> bytes:
    return data.translate(_BLOTTED)


def _blot_group(match: re.Match[bytes]) -> bytes:
    start = match.start(1) - match.start()
    return match[0][:start] + _blot(match[1])
