"""The templates of all pages, and the words they are written with.

Everything is escaped as HTML, and a name that nothing gives is an error. Text from builders and
packages goes through the filter `shown`, which makes control characters visible.

Layer 5. Tests: tests/unit/statuspage/test_templates.py.
"""

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from buildfarm.statuspage import words
from buildfarm.vocab.text import one_line, shown, without_colour

_DIRECTORY = Path(__file__).parent / "templates"


def make_environment(static_url: Callable[[str], str]) -> Environment:
    """The templates below `templates/`; `static(name)` in them is the URL of a static file."""
    environment = Environment(
        loader=FileSystemLoader(_DIRECTORY),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
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
    return environment
