"""What docs/notifications.md says to receivers is so."""

import json
import re
from pathlib import Path
from typing import Any

from buildfarm.farmtesting.cases import BEGINNING, FarmTestCase
from buildfarm.notifying.payloads import headers, payload
from tests.unit.notifying.cases import WEB, broken, delivery, notice

_TEXT = (Path(__file__).parents[3] / "docs/notifications.md").read_text(encoding="utf-8")

#: The Unix time of `BEGINNING`.
_NOW = 1_767_225_600.0

SECRET = b"a secret of enough bytes to be one"


def shape(value: Any) -> Any:
    """The keys of JSON, and the types of what has none."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return type(value).__name__


class TestDocumentation(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        [code] = re.findall(r"```python\n(.*?)```", _TEXT, re.DOTALL)
        names: dict[str, Any] = {}
        exec(code, names)
        self.is_ours = names["is_ours"]
        self.body = payload(delivery(notice(), broken(2)), WEB)
        self.headers = headers("news-1", self.body, SECRET, BEGINNING)

    def test_ours(self) -> None:
        """The example knows our deliveries, also one of two signatures."""
        self.assertTrue(self.is_ours(self.headers, self.body, SECRET, _NOW))
        two = {**self.headers, "webhook-signature": f"v1,x {self.headers['webhook-signature']}"}
        self.assertTrue(self.is_ours(two, self.body, SECRET, _NOW + 299))

    def test_not_ours(self) -> None:
        """It knows others', changed ones, and old ones."""
        self.assertFalse(self.is_ours(self.headers, self.body + b" ", SECRET, _NOW))
        self.assertFalse(self.is_ours(self.headers, self.body, SECRET + b"!", _NOW))
        self.assertFalse(self.is_ours(self.headers, self.body, SECRET, _NOW + 301))
        other = {**self.headers, "webhook-id": "news-2"}
        self.assertFalse(self.is_ours(other, self.body, SECRET, _NOW))

    def test_payload(self) -> None:
        """The example of a body has just the fields that a body has."""
        [example] = re.findall(r"\n    \{\n.*?\n    \}\n", _TEXT, re.DOTALL)
        shown = json.loads(example)
        sent = json.loads(payload(delivery(notice()), WEB))
        self.assertEqual(shape(shown), shape(sent))
