"""docs/hostile-builders.md, made from the table: `python -m buildfarm.farmtesting.hostile.page`.

Beside the layers. Tests: tests/unit/farmtesting/test_hostile.py holds the page to the table.
"""

import sys
from collections.abc import Sequence

from buildfarm.farmtesting.hostile.behaviour import Behaviour, Judged
from buildfarm.farmtesting.hostile.conduct import CONDUCT
from buildfarm.farmtesting.hostile.logs import HOSTILE_LOGS
from buildfarm.farmtesting.hostile.markup import MARKUP
from buildfarm.farmtesting.hostile.packages import PACKAGES
from buildfarm.farmtesting.hostile.results import RESULTS
from buildfarm.farmtesting.hostile.transport import TRANSPORT
from buildfarm.farmtesting.hostile.wrongtypes import FIELDS, TYPES, WRONG_TYPES

_HEAD = """# Hostile builders

A builder runs strangers' code, so it may do anything. Below is everything that the tests have
builders do, each against the real client and scanner, and what an operator sees of it.

**Judged as builder**: failures are counted against it (`builder show NAME`), and at the fifth in
a row it is disabled; what it last did is in its `failnotes`. **Judged as job**: the build ends in
FAILEDTOBUILD or FAILEDTOUPLOAD with the reason (`build show ID`, `build why ID`); the builder
goes on. **Nobody**: nothing is held against anyone. The sentence in the last column stands in
what is told.

While a builder fails and is not disabled yet, `build why` says so of a waiting build: *bob fails,
3 times in a row: …*. What to do: see to the machine, then `builder set NAME --ok`.

For each of them `tests/functional/hostile/test_alone.py` and
`tests/functional/hostile/test_wrong_types.py` show that it is judged so, that a healthy builder
beside it goes on, that the archive holds nothing but true results, that no file appears outside
the spool, and that descriptors and memory return to what they were.
`tests/functional/hostile/test_thousand.py` lets one of each loose on a farm of 950 that behave:
each of those gets as many builds, in the same order, as without them. `make hostile` has each by
itself as 50 of 1,000.

What is **not** held against a builder: that it gives builds back (GIVENBACK) or fails them
(PACKAGEFAIL), for an honest one does that too; and what the check before an upload refuses, since
a package's own code can make that on an honest builder ([decision
140](decisions/140-builders-that-bring-nothing.md)). An operator sees these in the builder's
history.

This page is made from the table in `lib/buildfarm/farmtesting/hostile`.
"""

_FAMILIES: Sequence[tuple[str, Sequence[Behaviour]]] = (
    ("Below XML", TRANSPORT),
    ("XML", MARKUP),
    ("What it says it does", CONDUCT),
    ("Names and files", RESULTS),
    ("Logs", HOSTILE_LOGS),
    ("Packages", PACKAGES),
)

_COLUMNS = "| name | a builder that … | judged as | told |\n| --- | --- | --- | --- |\n"


def page() -> str:
    """The whole page."""
    families = "".join(
        f"\n## {title}\n\n{_COLUMNS}{''.join(map(_row, behaviours))}"
        for title, behaviours in _FAMILIES
    )
    return f"{_HEAD}{families}{_wrong_types()}"


def _row(behaviour: Behaviour) -> str:
    told = f"… {_cell(behaviour.told)} …" if behaviour.told else ""
    judged = "**nobody**" if behaviour.judged is Judged.NOBODY else behaviour.judged.value
    return f"| {behaviour.name} | {_cell(behaviour.does)} | {judged} | {told} |\n"


def _cell(text: str) -> str:
    """Text that Markdown shows as it is."""
    marks = {"|": "\\|", "<": "&lt;", "*": "\\*", "[": "\\["}
    return "".join(marks.get(letter, letter) for letter in text)


def _wrong_types() -> str:
    fields = ", ".join(f"`{field.method}` {field.name}" for field in FIELDS)
    return (
        "\n## Types\n\n"
        f"Every field of every reply with a value of every other type ({', '.join(TYPES)}): "
        f"{len(WRONG_TYPES)} builders, each judged as **builder**, told with *… answered `status` "
        "with nonsense: …* or the call in question. "
        f"The fields: {fields}.\n"
    )


if __name__ == "__main__":
    sys.stdout.write(page())
