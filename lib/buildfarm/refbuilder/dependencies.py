"""Missing build-dependencies, out of what dpkg-checkbuilddeps says.

Beside the layers. Tests: tests/unit/refbuilder/test_dependencies.py.
"""

import re

_UNMET = re.compile(r"Unmet build dependencies: (.*)")
_PACKAGE = r"[a-z0-9][a-z0-9.+-]+(?::[a-z0-9-]+)?(?: \([^()]*\))?"
_RELATION = re.compile(rf"{_PACKAGE}(?: \| {_PACKAGE})*")
_QUALIFIED = re.compile(r"(^|\| )([a-z0-9][a-z0-9.+-]+):[a-z0-9-]+")


def missing_dependencies(text: str) -> str:
    """The relations that `text` calls unmet, as a Depends field has them; "" where there are none.

    Architecture qualifiers (`:any`, `:native`) are left out, as launchpad-buildd does it: who waits
    for a package waits for its name and version.
    """
    unmet = _UNMET.search(text)
    if unmet is None:
        return ""
    relations = (found[0] for found in _RELATION.finditer(unmet[1]))
    return ", ".join(_QUALIFIED.sub(r"\1\2", relation) for relation in relations)
