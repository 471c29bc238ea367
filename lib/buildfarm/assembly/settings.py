"""The configuration file, read whole and checked whole.

Layer 6. A TOML file becomes `vocab.settings.Settings` or is refused with every fault named: file,
key, reason, and what is allowed. Nothing is guessed: an unknown key, a number in quotes and an
impossible value are faults. Relative paths are relative to the file's own directory, so that a
configuration works from wherever a command is started. Tests: tests/unit/assembly/test_settings.py.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from buildfarm.assembly.endpoints import FORMS, endpoint_fault
from buildfarm.assembly.ranges import number_faults
from buildfarm.assembly.tellfaults import mail_faults, webhook_faults
from buildfarm.assembly.urls import is_public_url
from buildfarm.flow.plainfiles import open_plain
from buildfarm.identity.proxies import proxy_fault
from buildfarm.storage.uris import parsed
from buildfarm.vocab.errors import SettingsError
from buildfarm.vocab.settings import Settings
from buildfarm.vocab.text import one_line

#: The environment variable that names the configuration file where `--config` does not.
VARIABLE = "BUILDD_MANAGER_CONFIG"

#: What is replaced in the arguments of the reset command, by `builders.resets`.
RESET_PLACES = ("%(vm_host)s", "%(buildd_name)s")

_PLACE = re.compile(r"%\([^)]*\)s?")

_MAX_FILE_BYTES = 1024 * 1024

#: `sun_path` of unix(7) without its terminating zero.
_MAX_SOCKET_PATH = 107

_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text in quotes",
    "tuple_type": "a list",
    "bool_type": "true or false",
    "dataclass_type": "a table",
}

_ADAPTER: TypeAdapter[Settings] = TypeAdapter(Settings)


def load(path: Path) -> Settings:
    """The settings in the file at `path`, paths made absolute.

    Raises SettingsError with one line for each fault.
    """
    path = path.absolute()
    settings = _located(_typed(path, _read(path)), path.parent)
    faults = [f"{path}: {key}: {reason}." for key, reason in _faults(settings)]
    if faults:
        raise SettingsError("\n".join(faults))
    return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        with open_plain(path) as stream:
            text = stream.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}.") from error
    if len(text) > _MAX_FILE_BYTES:
        raise SettingsError(f"{path}: is larger than {_MAX_FILE_BYTES} bytes.")
    try:
        return tomllib.loads(text.decode())
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 (byte {error.start}).") from error
    except (ValueError, RecursionError) as error:
        # TOMLDecodeError is a ValueError, and so is what a number of 5,000 digits raises.
        raise SettingsError(f"{path}: is not TOML: {one_line(str(error))}.") from error


def _typed(path: Path, table: dict[str, Any]) -> Settings:
    # Through JSON: there a strict check takes a list for a tuple and a text for a path, which
    # is all that TOML can write. Dates have no place in the file; as text they are refused well.
    try:
        return _ADAPTER.validate_json(json.dumps(table, default=str), strict=True)
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(map(str, fault['loc']))}: {_reason(fault)}."
            for fault in error.errors(include_url=False)
        ]
        raise SettingsError("\n".join(lines)) from error


def _reason(fault: Any) -> str:
    """A validation fault in an operator's words."""
    kind, location = fault["type"], fault["loc"]
    if kind == "unexpected_keyword_argument":
        known = [field.name for field in fields(_section_type(location))]
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"perhaps {near[0]} is meant" if near else f"known here: {', '.join(known)}"
        return f"is no setting; {hint}"
    if kind == "missing":
        return "is missing and has no default"
    wanted = _TYPES.get(kind)
    return f"must be {wanted}, not {fault['input']!r}" if wanted else str(fault["msg"])


def _section_type(location: tuple[Any, ...]) -> Any:
    if len(location) == 1:
        return Settings
    found: Any = next(field.type for field in fields(Settings) if field.name == location[0])
    # One of several tables of a kind, such as `[[webhooks]]`.
    return get_args(found)[0] if get_args(found) else found


def _located(settings: Settings, directory: Path) -> Settings:
    """`settings` with every path absolute, taken from `directory` where it was relative."""
    manager = settings.manager
    socket = manager.control_socket
    manager = replace(
        manager,
        state_dir=directory / manager.state_dir,
        control_socket=None if socket is None else directory / socket,
    )
    command = settings.resets.command
    if command and "/" in command[0]:
        command = (str(directory / command[0]), *command[1:])
    mail = settings.mail
    if mail.password_file is not None:
        mail = replace(mail, password_file=directory / mail.password_file)
    webhooks = tuple(
        replace(one, secret_file=directory / one.secret_file) for one in settings.webhooks
    )
    resets = replace(settings.resets, command=command)
    return replace(settings, manager=manager, resets=resets, mail=mail, webhooks=webhooks)


def _faults(settings: Settings) -> Iterator[tuple[str, str]]:
    yield from _nul_faults(settings)
    for section, key, reason in number_faults(settings):
        yield f"{section}.{key}", reason
    for section in ("files", "web"):
        values = getattr(settings, section)
        if fault := endpoint_fault(values.listen):
            yield f"{section}.listen", f"{values.listen!r}: {fault}; allowed: {FORMS}"
        if not is_public_url(values.public_url):
            yield (
                f"{section}.public_url",
                (f"{values.public_url!r} is not of the form http://HOST[:PORT][/PATH] (or https)"),
            )
    for proxy in settings.web.proxies:
        if fault := proxy_fault(proxy):
            yield "web.proxies", f"{proxy!r} {fault}"
    try:
        parsed(settings.database_uri)
    except SettingsError as error:
        yield "manager.database", str(error).rstrip(".")
    if len(str(settings.control_socket).encode()) > _MAX_SOCKET_PATH:
        yield (
            "manager.control_socket",
            (
                f"{settings.control_socket} is longer than the {_MAX_SOCKET_PATH} bytes that a "
                "socket's path may have; name a shorter one"
            ),
        )
    yield from _reset_faults(settings.resets.command)
    yield from mail_faults(settings.mail)
    yield from webhook_faults(settings.webhooks)


def _nul_faults(settings: Settings) -> Iterator[tuple[str, str]]:
    """TOML can write a NUL; a path and an argument cannot hold it."""
    for section in fields(settings):
        found = getattr(settings, section.name)
        for values in found if isinstance(found, tuple) else (found,):
            for field in fields(values):
                value = getattr(values, field.name)
                texts = value if isinstance(value, tuple) else (value,)
                if any("\0" in str(text) for text in texts):
                    yield f"{section.name}.{field.name}", "holds the character NUL"


def _reset_faults(command: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if command and not command[0]:
        yield "resets.command", "the name of the command is empty"
    for argument in command:
        for place in _PLACE.findall(argument):
            if place not in RESET_PLACES:
                yield (
                    "resets.command",
                    (
                        f"{argument!r}: {place} is replaced by nothing; "
                        f"known are {' and '.join(RESET_PLACES)}"
                    ),
                )
