"""Every verb of the control socket by name, and how one is called with a stranger's parameters.

Layer 5. A verb is `async def verb(farm, caller, *, …)` in the module of its noun; its keyword
parameters are its contract. What a request brings is checked against their annotations, strictly,
before the verb runs. Tests: tests/functional/admin/test_verbs.py.
"""

import functools
import inspect
import json
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from buildfarm.admin import (
    archives,
    backups,
    builders,
    buildlogs,
    builds,
    chroots,
    housekeeping,
    notifying,
    people,
    sources,
    tokens,
)
from buildfarm.admin.farm import Caller, Farm
from buildfarm.admin.plain import plain
from buildfarm.admin.protocol import RequestRefused
from buildfarm.vocab.errors import FarmError

Verb = Callable[..., Awaitable[Any]]

VERBS: dict[str, Verb] = {
    "archive.add": archives.add,
    "archive.grant": people.grant,
    "archive.list": archives.list_archives,
    "archive.set": archives.change,
    "archive.withdraw": people.withdraw,
    "backup": backups.backup,
    "build.cancel": builds.cancel,
    "build.list": builds.list_builds,
    "build.log": buildlogs.log,
    "build.rescore": builds.rescore,
    "build.retry": builds.retry,
    "build.show": builds.show,
    "build.why": builds.why,
    "builder.add": builders.add,
    "builder.list": builders.list_builders,
    "builder.remove": builders.remove,
    "builder.set": builders.change,
    "builder.show": builders.show,
    "chroot.list": chroots.list_chroots,
    "chroot.set": chroots.change,
    "notify.list": notifying.list_deliveries,
    "notify.test": notifying.test,
    "person.add": people.add,
    "person.join": people.join,
    "person.leave": people.leave,
    "person.list": people.list_people,
    "person.mail": notifying.mail,
    "person.set": people.change,
    "submit": sources.submit,
    "sweep": housekeeping.sweep,
    "sweep.last": housekeeping.last_sweep,
    "token.create": tokens.create,
    "token.list": tokens.list_tokens,
    "token.login": tokens.login,
    "token.revoke": tokens.revoke,
}

# NUL as JSON writes it: after an even number of backslashes.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

# What a column of the database can hold.
_Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]


async def call(farm: Farm, caller: Caller, name: str, params: dict[str, Any]) -> Any:
    """Run the verb `name` and return its result as JSON can hold it.

    Raises RequestRefused for an unknown verb or parameters that are not the verb's, FarmError for
    what the system refused the verb, and whatever else the verb raises.
    """
    verb = VERBS.get(name)
    if verb is None:
        raise RequestRefused(
            f"{name!r} is no verb of this manager; is the command of another version?"
        )
    try:
        checked = _parameters(verb).model_validate_json(_text(name, params))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        raise RequestRefused(f"{name} cannot be asked so: {faults}.") from error
    given = {key: getattr(checked, key) for key in checked.model_fields_set}
    try:
        result = await verb(farm, caller, **given)
    except ConnectionError:
        raise  # it is the caller who went away
    except OSError as error:
        raise FarmError(
            f"{name} failed: {error.filename or 'a file'}: {error.strerror}."
        ) from error
    # In a thread: a thousand snapshots would hold the reactor up.
    return await farm.workers.run(plain, result)


def _text(name: str, params: dict[str, Any]) -> bytes:
    """`params` as JSON; raises RequestRefused for texts that neither database nor paths hold."""
    text = json.dumps(params, ensure_ascii=False)
    try:
        encoded = text.encode()
    except UnicodeEncodeError as error:
        raise RequestRefused(f"{name} cannot be asked so: a value is not UTF-8 text.") from error
    if _NUL.search(text):
        raise RequestRefused(f"{name} cannot be asked so: a value holds the character NUL.")
    return encoded


@functools.cache
def _parameters(verb: Verb) -> type[BaseModel]:
    """A model of the keyword parameters of `verb`: unknown ones and other types are refused."""
    hints = get_type_hints(verb)
    fields: dict[str, Any] = {
        parameter.name: (
            _Whole if hints[parameter.name] is int else hints[parameter.name],
            ... if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in inspect.signature(verb).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    return create_model(verb.__name__, __config__=ConfigDict(extra="forbid", strict=True), **fields)
