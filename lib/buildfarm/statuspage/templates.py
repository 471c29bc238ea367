"""The templates of all pages, and the words they are written with.

Everything is escaped as HTML, and a name that nothing gives is an error. Text from builders and
packages goes through the filter `shown`, which makes control characters visible.

Layer 5. Tests: tests/unit/statuspage/test_templates.py.
"""

from collections.abc import Callable
from pathlib import Path

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

from buildfarm.statuspage import words
from buildfarm.vocab.text import one_line, shown, without_colour

_DIRECTORY = Path(__file__).parent / "templates"


class _Compiled(BytecodeCache):
    """What this process has compiled: an environment after the first has it at hand."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket that was filled before."""
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what a bucket has."""
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def make_environment(static_url: Callable[[str], str]) -> Environment:
    """The templates below `templates/`; `static(name)` in them is the URL of a static file.

    All of them are compiled here, before anybody looks: one takes tens of milliseconds, in which
    the reactor would do nothing else.
    """
    environment = Environment(
        loader=FileSystemLoader(_DIRECTORY),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
    )
    environment.globals["static"] = static_url
    environment.filters.update(
        shown=shown,
        one_line=one_line,
        without_colour=without_colour,
        time=words.time,
        iso=words.iso,
        span=words.span,
        number=words.number,
    )
    for name in environment.list_templates():
        environment.get_template(name)
    return environment
