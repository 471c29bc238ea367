"""The configuration files that come with the tree."""

import re
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from buildfarm.assembly.settings import load
from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.vocab.notificationsettings import WebhookSettings
from buildfarm.vocab.settings import Settings

_CONFIGS = Path(__file__).parents[3] / "configs"

#: Settings for which production.toml shows an example in place of the default.
_EXAMPLES = {
    ("manager", "control_socket"),
    ("files", "listen"),
    ("files", "public_url"),
    ("resets", "command"),
    ("mail", "password_file"),
}

#: Tables of which there may be several; production.toml shows one in a comment.
_SEVERAL = {"webhooks": WebhookSettings}

#: Where the next section begins, or an example of one.
_NEXT = re.compile(r"\n(?:# \[)?\[")

_KEY = re.compile(r"(?:# )?(\w+) = ")


def explained(text: str) -> bool:
    """Whether every group of keys in `text` follows a comment."""
    before = ""
    for line in text.splitlines():
        if _KEY.match(line) and not (before.startswith("#") or _KEY.match(before)):
            return False
        before = line
    return True


class TestConfigs(FarmTestCase):
    def test_all_load(self) -> None:
        """Every file is accepted as it is."""
        files = sorted(_CONFIGS.glob("*.toml"))
        self.assertEqual(
            ["demo.toml", "development.toml", "production.toml"], [path.name for path in files]
        )
        for path in files:
            load(path)

    def test_all_explained(self) -> None:
        """Every setting in every file follows the comment that explains it."""
        for path in _CONFIGS.glob("*.toml"):
            self.assertTrue(explained(path.read_text(encoding="utf-8")), path)

    def test_production_is_complete(self) -> None:
        """The one for production names every setting there is, under its section."""
        text = (_CONFIGS / "production.toml").read_text(encoding="utf-8")
        for section in fields(Settings):
            several = section.name in _SEVERAL
            heading = f"# [[{section.name}]]" if several else f"[{section.name}]"
            part = _NEXT.split(text.partition(f"\n{heading}\n")[2])[0]
            named = set(_KEY.findall(part))
            self.assertEqual({field.name for field in _keys(section)}, named, section.name)

    def test_production_shows_defaults(self) -> None:
        """Its values are the defaults, examples apart."""
        settings = load(_CONFIGS / "production.toml")
        for section in fields(Settings):
            for field in () if section.name in _SEVERAL else _keys(section):
                if field.default is not MISSING and (section.name, field.name) not in _EXAMPLES:
                    value = getattr(getattr(settings, section.name), field.name)
                    self.assertEqual(field.default, value, f"{section.name}.{field.name}")


def _keys(section: Field[Any]) -> tuple[Field[Any], ...]:
    kind = _SEVERAL.get(section.name, section.type)
    assert isinstance(kind, type)
    return fields(kind)
