"""Layer 2: a web server that does not write a line for each request.

Tests: tests/functional/refbuilder/test_site.py, tests/functional/assembly.
"""

from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import Site


class QuietSite(Site):
    """Serves in silence: a farm makes several requests a second, all alike."""

    noisy = False

    def __init__(self, resource: Resource, **options: Any) -> None:
        """`options` are those of Site: `reactor`, `timeout`."""
        super().__init__(resource, **options)  # type: ignore[no-untyped-call]

    def log(self, request: Any) -> None:
        """Nothing."""
