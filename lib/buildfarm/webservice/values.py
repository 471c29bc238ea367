"""Arguments and new values as clients send them, checked against what is declared.

launchpadlib sends arguments of operations as JSON (`name=%22bob%22`), choices as they are, files as
bytes; curl users leave the quotes out. A link is a URL of this service, or the path part of one.

Layer 5. Tests: tests/unit/webservice/test_values.py.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from buildfarm.vocab.errors import Refused
from buildfarm.webservice.declarations import EntryType, Field, Kind, Operation, Parameter
from buildfarm.webservice.representations import document

#: Numbers are as large as this at most, either way: what every database keeps as an integer.
MOST = 2**31 - 1

#: What no database keeps: NUL, and halves of characters, which JSON can spell.
_UNKEPT = re.compile("[\0\ud800-\udfff]")


def arguments(operation: Operation, given: Mapping[str, str], root: str) -> dict[str, Any]:
    """The arguments of a call of `operation` that are no files; names in `ws.` are the service's.

    Raises Refused for one that is missing, unknown or of the wrong kind.
    """
    declared = {one.name: one for one in operation.parameters if one.kind is not Kind.FILE}
    sent = {name: text for name, text in given.items() if not name.startswith("ws.")}
    for name in sent:
        if name not in declared:
            raise Refused(f"{operation.name} takes no {name!r}.")
    found = {name: _argument(declared[name], text, root) for name, text in sent.items()}
    for parameter in declared.values():
        if parameter.required and parameter.name not in found:
            raise Refused(f"{operation.name} needs {parameter.name!r}.")
    return {name: value for name, value in found.items() if value is not None}


def new_values(
    kind: EntryType, given: Mapping[str, Any], before: Mapping[str, Any], root: str
) -> dict[str, Any]:
    """The writable values that differ from those of `before`, by field name.

    The others may be sent back unchanged. Raises Refused.
    """
    declared = {one.wire_name: one for one in kind.fields}
    as_sent = json.loads(document(before))
    found: dict[str, Any] = {}
    for wire_name, value in given.items():
        if wire_name in as_sent and as_sent[wire_name] == value:
            continue
        one = declared.get(wire_name)
        if one is None:
            raise Refused(f"A {kind.name} has no {wire_name!r}.")
        if not one.writable:
            raise Refused(f"{wire_name} of a {kind.name} cannot be written.")
        if value is None and not one.optional:
            raise Refused(f"{wire_name}: null is no value.")
        found[one.name] = checked(one, value, root)
    return found


def _argument(parameter: Parameter, text: str, root: str) -> Any:
    value = checked(parameter, text if parameter.choices else _loads(text), root)
    if value is None and parameter.required:
        raise Refused(f"{parameter.name}: null is no value.")
    return value


def _loads(value: str) -> Any:
    """JSON, or else the text as it is."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def checked(declared: Field | Parameter, value: Any, root: str) -> Any:
    """`value` as the farm keeps it: naive UTC for a time, a path below the root for a link.

    Raises Refused where it is not what was declared.
    """
    if value is None:
        return None
    if declared.choices and value not in declared.choices:
        known = ", ".join(declared.choices)
        raise Refused(f"{declared.name}: {value!r} is none of {known}.")
    convert = _CONVERSIONS.get(declared.kind)
    try:
        if declared.kind is Kind.LINK:
            return _text(path_of(value, root))
        if convert is not None:
            return convert(value)
    except (TypeError, ValueError) as error:
        raise Refused(f"{declared.name}: {error}") from error
    return value


def path_of(link: Any, root: str) -> str:
    """The path below `root` that `link` names; `/builders/bob` and the whole URL are the same.

    Raises TypeError or ValueError for what leads elsewhere.
    """
    if not isinstance(link, str):
        raise TypeError(f"{link!r} is no link.")
    if link.startswith("/"):
        return unquote(link)
    wanted, own = urlsplit(link), urlsplit(root)
    # The host is whatever name of ours the client uses; the path says that it is ours.
    if wanted.scheme not in ("http", "https") or not wanted.path.startswith(own.path):
        raise ValueError(f"{link!r} is no link of this service.")
    return unquote(wanted.path[len(own.path) - 1 :])


def _text(value: Any) -> str:
    # A name such as 123 arrives as JSON as well as one in quotes.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text.")
    if _UNKEPT.search(value):
        raise ValueError(f"{value!r} has characters that cannot be kept.")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number.")
    _check_size(value)
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number.")
    _check_size(value)
    return value


def _check_size(number: float) -> None:
    if not -MOST <= number <= MOST:
        raise ValueError(f"it must be between {-MOST} and {MOST}.")


def _boolean(value: Any) -> bool:
    # `True` is what Python users write after the question mark.
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false.")
    return value


def _time(value: Any) -> datetime:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no time.")
    time = datetime.fromisoformat(value)
    try:
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except OverflowError as error:
        raise ValueError(f"{value!r} is out of range.") from error


def _list(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError(f"{value!r} is no list of texts.")
    return [_text(one) for one in value]


_CONVERSIONS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.TIME: _time,
    Kind.LIST: _list,
}
