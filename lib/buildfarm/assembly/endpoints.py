"""Addresses of listeners, checked as text before anything listens.

Layer 6. Addresses are Twisted's server endpoint strings. Only the kinds that DESIGN section 10
names are taken, so that a typing mistake is reported with file and key at start, not as a
traceback when the port is opened. Tests: tests/unit/assembly/test_endpoints.py.
"""

import re

#: What a listener's address may look like, as messages say it.
FORMS = (
    "tcp:PORT[:interface=ADDRESS], ssl:PORT:privateKey=FILE[:…], unix:PATH, "
    "or systemd:domain=INET:index=N"
)

#: The options of `ssl` that name files which are read when it is opened.
CERTIFICATE_FILES = ("privateKey", "certKey", "extraCertChain")

_SSL = {*CERTIFICATE_FILES, "sslmethod", "dhParameters"}
_OPTIONS = {
    "tcp": {"interface", "backlog"},
    "ssl": {"interface", "backlog", *_SSL},
    "unix": {"mode", "backlog", "lockfile"},
    "systemd": {"domain", "index"},
}

#: Connections that wait to be accepted, as many as Linux keeps (its `somaxconn`). With Twisted's
#: 50, most of two thousand builders that ask for files at once had to knock again, up to 7 s later.
_BACKLOG = 4096

# Twisted separates with colons and escapes one inside a value with a backslash.
_SEPARATOR = re.compile(r"(?<!\\):")
_ESCAPED = re.compile(r"\\(.)")


def endpoint_fault(text: str) -> str | None:
    """What is wrong with the endpoint string `text`, or None where it can be tried."""
    kind, plain, options = parts_of(text)
    for option in options:
        if option not in _OPTIONS.get(kind, options):
            return f"{option!r} is no option of {kind}"
    match kind:
        case "tcp":
            return _port_fault(plain)
        case "ssl":
            return _port_fault(plain) or _file_fault(options)
        case "unix":
            return None if plain and plain[0] else "a unix address names a path"
        case "systemd":
            return _missing(options, "domain") or _missing(options, "index")
        case _:
            return f"{kind!r} is no kind of address"


def parts_of(text: str) -> tuple[str, list[str], dict[str, str]]:
    """The kind of the endpoint string `text`, its plain values, and its options by key."""
    kind, *fields = _SEPARATOR.split(text)
    values = [_ESCAPED.sub(r"\1", field) for field in fields]
    options = dict(value.split("=", 1) for value in values if "=" in value)
    return kind, [value for value in values if "=" not in value], options


def with_backlog(text: str) -> str:
    """The endpoint string `text`, with a long backlog unless it says otherwise or cannot."""
    kind, *fields = _SEPARATOR.split(text)
    told = any(field.startswith("backlog=") for field in fields)
    if told or "backlog" not in _OPTIONS.get(kind, ()):
        return text
    return f"{text}:backlog={_BACKLOG}"


def _port_fault(plain: list[str]) -> str | None:
    if not plain:
        return "the port is missing"
    if not (plain[0].isascii() and plain[0].isdigit() and int(plain[0]) <= 65535):
        return f"{plain[0]!r} is no port (0 to 65535)"
    return None if len(plain) == 1 else f"{plain[1]!r} is not of the form key=value"


def _file_fault(options: dict[str, str]) -> str | None:
    for key in CERTIFICATE_FILES:
        if key in options and not options[key].startswith("/"):
            return f"{key}= needs the whole path of a file, from / on"
    return _missing(options, "privateKey")


def _missing(options: dict[str, str], key: str) -> str | None:
    return None if options.get(key) else f"{key}= is missing"
