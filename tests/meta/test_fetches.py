"""No fetch of ours follows a redirect: where it leads is for somebody else to say."""

from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from tests.meta.sources import ROOT, library

#: What talks HTTP to others, by the way it does so.
CLIENTS = (
    "http.client",
    "httplib2",
    "httptools",
    "twisted.web.client",
    "urllib.request",
)

#: Each module that does, and the test that answers it with a redirect.
FETCHES = {
    "builders/connection.py": "tests/unit/builders/test_client.py",
    "builders/fileconnection.py": "tests/unit/builders/test_downloads.py",
    "depwait/fetching.py": "tests/functional/depwait/test_reading.py",
    "notifying/posting.py": "tests/functional/notifying/test_webhooks.py",
    "refbuilder/fetching.py": "tests/functional/refbuilder/test_fetching.py",
}

#: These follow redirects by themselves.
FOLLOWING = {
    "twisted.web.client.BrowserLikeRedirectAgent",
    "twisted.web.client.RedirectAgent",
    "urllib.request.urlopen",
    "urllib.request.urlretrieve",
}

#: So do these libraries, unless one remembers to say otherwise.
LIBRARIES = {"aiohttp", "httplib2", "httpx", "requests", "treq", "urllib3"}

#: Not the manager's: tests, and the scripts that are launchpadlib's callers on an operator's side.
ELSEWHERE = {"farmtesting", "scripts"}


class TestFetches(FarmTestCase):
    def test_nothing_that_follows_redirects_is_used(self) -> None:
        """Neither imported nor named."""
        found = [
            f"{module.at(node)}: {name}"
            for module in library()
            if module.package not in ELSEWHERE
            for node, name in (*module.imports(), *module.references())
            if name in FOLLOWING
        ]
        imported = [
            f"{module.at(node)}: {name}"
            for module in library()
            if module.package not in ELSEWHERE
            for node, name in module.imports()
            if name.split(".")[0] in LIBRARIES
        ]
        self.assertEqual([], found + imported)

    def test_every_fetch_is_answered_with_a_redirect_by_a_test(self) -> None:
        """A new client of HTTP has to be entered here, with its test."""
        found = {
            Path(*module.path.parts[2:]).as_posix()
            for module in library()
            if module.package not in ELSEWHERE
            for _, name in module.imports()
            if name.startswith(CLIENTS)
        }
        self.assertEqual(set(FETCHES), found)
        for path in FETCHES.values():
            self.assertIn("redirect", (ROOT / path).read_text(encoding="utf-8").lower(), path)
