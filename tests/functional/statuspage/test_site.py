"""The site over HTTP: routes, error pages, headers, forms."""

from typing import Any
from urllib.parse import urlencode

from buildfarm.identity.gate import Gate
from buildfarm.identity.sessions import NO_SESSION, Session
from buildfarm.statuspage.answers import Answer, Reply, View, missing, see_other
from buildfarm.statuspage.headers import CONTENT_SECURITY_POLICY
from buildfarm.statuspage.rendering import Renderer
from buildfarm.statuspage.routes import Route, Routes, Visit
from buildfarm.statuspage.site import PagesResource, PeopleRoot
from buildfarm.statuspage.statics import PATH, Statics
from buildfarm.statuspage.templates import make_environment
from buildfarm.vocab.access import Visitor
from buildfarm.vocab.errors import DatabaseAway, Refused
from tests.functional.filestore.listeners import Answer as Received
from tests.functional.filestore.listeners import ListenerTestCase, send_form

_ANN = Visitor("ann")


class _Gate(Gate):
    """Whoever sends a cookie is ann."""

    def __init__(self) -> None:
        no_tokens: Any = None
        super().__init__(no_tokens, ())

    async def session(self, request: Any) -> Session:
        return Session(_ANN, "good") if request.getHeader("cookie") else NO_SESSION


class SiteTests(ListenerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.forms: list[dict[str, str]] = []
        self.error: Exception = Refused("It is too late.")
        self.statics = Statics()

        async def greet(visit: Visit) -> Answer:
            sentence = f"{visit.places['name']} {dict(visit.query)} {visit.visitor.person}"
            return View("error.html", {"status": 200, "title": "Greeting", "sentence": sentence})

        async def act(visit: Visit) -> Answer:
            self.forms.append(dict(visit.form))
            return see_other("/greet/you")

        async def fail(visit: Visit) -> Answer:
            raise self.error

        async def plain(visit: Visit) -> Answer:
            return Reply(b"plain")

        routes = [
            Route("/greet/{name}", greet, act),
            Route("/fail", fail, fail),
            Route("/open", None, act, for_strangers=True),
            Route("/plain", plain),
            Route(PATH + "{name}", self.statics.show),
        ]
        renderer = Renderer(self.reactor, make_environment(self.statics.url))
        self.port = self.listen(
            PeopleRoot(PagesResource(self.reactor, _Gate(), renderer, Routes(routes)))
        )

    async def post(self, path: str, cookie: str = "", **form: str) -> Received:
        """Post a form."""
        return await self.clients.run(send_form, self.port, path, urlencode(form), cookie)

    async def test_a_page_is_rendered_for_its_visitor(self) -> None:
        """It gets its places unquoted, its query, and who looks; all of it is escaped."""
        page = await self.get(self.port, "/greet/%3Cb%3E?x=%26", cookie="yes")
        self.assertEqual(
            (200, "text/html; charset=utf-8"), (page.status, page.headers["content-type"])
        )
        self.assertIn(b"&lt;b&gt; {&#39;x&#39;: &#39;&amp;&#39;} ann", page.body)

    async def test_headers_are_strict(self) -> None:
        """On pages, errors and replies alike: nothing from elsewhere, nothing kept for others."""
        for path in ("/greet/you", "/nothing", "/plain"):
            page = await self.get(self.port, path)
            self.assertEqual(CONTENT_SECURITY_POLICY, page.headers["content-security-policy"])
            self.assertEqual("nosniff", page.headers["x-content-type-options"])
            self.assertEqual("private, no-cache", page.headers["cache-control"])
            self.assertEqual("Authorization, Cookie", page.headers["vary"])

    async def test_what_fails_is_a_page(self) -> None:
        """With the status that says what happened, and a sentence."""
        for error, status, sentence in (
            (Refused("There is no builder x."), 404, b"There is no builder x."),
            (missing("build"), 404, b"There is no build here."),
            (DatabaseAway("gone"), 503, b"database cannot be used now"),
        ):
            self.error = error
            page = await self.get(self.port, "/fail")
            self.assertEqual(status, page.status)
            self.assertIn(sentence, page.body)
            self.assertIn(b"<nav", page.body)
        page = await self.get(self.port, "/nowhere")
        self.assertEqual(404, page.status)
        self.assertIn(b"There is no such page.", page.body)

    async def test_a_bug_is_logged_and_told_without_details(self) -> None:
        """Nobody outside learns what it was."""
        self.error = KeyError("secret")
        page = await self.get(self.port, "/fail")
        self.assertEqual(500, page.status)
        self.assertNotIn(b"secret", page.body)
        self.assertEqual(1, len(self.flush_logged_errors(KeyError)))

    async def test_a_form_brings_the_word_of_its_session(self) -> None:
        """Without it, with another's, or without a session nothing is done."""
        for cookie, word in (("", "good"), ("yes", ""), ("yes", "bad"), ("yes", "b\xe4d")):
            page = await self.post("/greet/you", cookie, csrf=word)
            self.assertEqual(403, page.status)
        self.assertEqual([], self.forms)
        page = await self.post("/greet/you", "yes", csrf="good", note="x y")
        self.assertEqual((303, "/greet/you"), (page.status, page.headers["location"]))
        self.assertEqual([{"csrf": "good", "note": "x y"}], self.forms)

    async def test_a_form_of_another_site_is_refused(self) -> None:
        """Also one for strangers, and whatever word it brings."""
        for path in ("/greet/you", "/open"):
            form = urlencode({"csrf": "good"})
            page = await self.clients.run(
                send_form, self.port, path, form, "yes", {"Origin": "http://elsewhere.example"}
            )
            self.assertEqual(403, page.status)
            self.assertIn(b"Another site has sent this form.", page.body)
        self.assertEqual([], self.forms)

    async def test_strangers_may_post_where_a_route_says_so(self) -> None:
        """Who logs in has no session yet."""
        self.assertEqual(303, (await self.post("/open")).status)
        answer = await self.get(self.port, "/open")
        self.assertEqual((405, "POST"), (answer.status, answer.headers["allow"]))

    async def test_a_refused_act_is_a_conflict(self) -> None:
        """Its sentence is shown."""
        page = await self.post("/fail", "yes", csrf="good")
        self.assertEqual(409, page.status)
        self.assertIn(b"It is too late.", page.body)

    async def test_what_has_not_changed_is_not_sent_again(self) -> None:
        """Whoever brings the ETag back gets 304; HEAD has headers alone."""
        page = await self.get(self.port, "/greet/you")
        again = await self.get(self.port, "/greet/you", if_none_match=page.headers["etag"])
        self.assertEqual((304, b""), (again.status, again.body))
        head = await self.get(self.port, "/greet/you", "HEAD")
        self.assertEqual((200, b""), (head.status, head.body))
        self.assertEqual(str(len(page.body)), head.headers["content-length"])

    async def test_static_files_are_kept_for_good(self) -> None:
        """Their names say their content; another digest is another file."""
        url = self.statics.url("page.css")
        file = await self.get(self.port, url)
        self.assertEqual("text/css; charset=utf-8", file.headers["content-type"])
        self.assertIn("immutable", file.headers["cache-control"])
        for other in ("/+static/page.css", url.replace(".css", ".js"), "/+static/..%2fsite.py"):
            self.assertEqual(404, (await self.get(self.port, other)).status, other)

    async def test_too_much_is_refused(self) -> None:
        """A hundred fields are read."""
        self.assertEqual(400, (await self.get(self.port, "/plain?" + "a=1&" * 101)).status)
