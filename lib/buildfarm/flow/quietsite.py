"""Layer 2: a web server that does not write a line for each request.

Tests: tests/functional/refbuilder/test_site.py, tests/functional/assembly.
"""

from typing import Any

from twisted.web.server import Site


class QuietSite(Site):
    """Serves in silence: a farm makes several requests a second, all alike."""

    noisy = False

    def log(self, request: Any) -> None:
        """Nothing."""
