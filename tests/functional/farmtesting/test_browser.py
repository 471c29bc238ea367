"""The browser that looks at our pages, and what it tells of them."""

from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from buildfarm.farmtesting.browser import SCREENSHOTS, BrowserError, Tab
from buildfarm.farmtesting.cases import FarmTestCase

_GOOD = b"""<!DOCTYPE html><html lang="en"><head><title>good</title>
<link rel="icon" href="data:,"></head><body><main><h1>Good</h1></main></body></html>"""

_BAD = b"""<!DOCTYPE html><html><head><title>bad</title><link rel="icon" href="data:,"></head>
<body><img src="none.png"><script src="/script.js"></script><script>throw 1</script>
</body></html>"""


class _Page(Resource):
    """One page with a policy that allows scripts of files only."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, content: bytes, kind: bytes = b"text/html") -> None:
        super().__init__()
        self._content, self._kind = content, kind

    def render_GET(self, request: Request) -> bytes:
        policy = b"script-src 'self'"
        request.setHeader(b"Content-Security-Policy", policy)
        request.setHeader(b"Content-Type", self._kind)
        return self._content


class BrowserTests(FarmTestCase):
    async def setUp(self) -> None:
        super().setUp()
        root = Resource()
        root.putChild(b"good", _Page(_GOOD))
        root.putChild(b"bad", _Page(_BAD))
        root.putChild(b"script.js", _Page(b"throw new Error('mine')", b"text/javascript"))
        port = self.reactor.listenTCP(0, Site(root, reactor=self.reactor), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.addCleanup(self.wait_until, self._is_left, 5.0, "the browser to hang up")
        self.number = port.getHost().port
        self.tab = await Tab.open(self.reactor)
        self.addCleanup(self.tab.close)

    def _is_left(self) -> bool:
        return not any(
            hasattr(one, "server") and one.getHost().port == self.number
            for one in self.reactor.getReaders()
        )

    async def test_a_good_page(self) -> None:
        """Nothing is told of a page without faults, and a picture of it is kept."""
        self.assertEqual("good", await self.tab.visit(f"http://127.0.0.1:{self.number}/good"))
        self.assertEqual(([], []), (await self.tab.fetch_violations(), self.tab.troubles))
        picture = await self.tab.keep_picture("browser-good")
        self.assertEqual(SCREENSHOTS, picture.parent)
        self.assertTrue(picture.read_bytes().startswith(b"\x89PNG"))

    async def test_a_bad_page(self) -> None:
        """Each fault is told: what is missing, what the policy forbids, what was not caught."""
        await self.tab.visit(f"http://127.0.0.1:{self.number}/bad")
        told = "\n".join(self.tab.troubles)
        for words in ("404", "Content Security Policy", "not caught: mine"):
            self.assertIn(words, told)
        found = "\n".join(await self.tab.fetch_violations())
        for rule in ("html-has-lang", "image-alt"):
            self.assertIn(rule, found)

    async def test_a_step_that_cannot_be_taken(self) -> None:
        """What goes wrong in the browser is raised in the test."""
        with self.assertRaises(BrowserError):
            await self.tab.visit("http://127.0.0.1:1/")
