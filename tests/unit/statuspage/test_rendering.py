"""Rendering in pieces."""

from jinja2 import DictLoader
from twisted.internet.defer import Deferred

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.rendering import SLICE, Renderer
from buildfarm.statuspage.statics import Statics
from buildfarm.statuspage.templates import make_environment


class RenderingTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        environment = make_environment(Statics().url)
        environment.globals["spend"] = lambda seconds: self.clock.advance(seconds) or ""
        loader = {"rows": "{% for row in rows %}<{{ row }}>{{ spend(cost) }}{% endfor %}"}
        environment.loader = DictLoader(loader)
        self.renderer = Renderer(self.clock, environment)

    def test_a_small_page_is_rendered_at_once(self) -> None:
        """Without a turn of the reactor in between."""
        page = self.renderer.render("rows", {"rows": range(3), "cost": 0})
        self.assertEqual(b"<0><1><2>", self.successResultOf(page))

    def test_a_large_page_lets_others_go_on(self) -> None:
        """After each slice of time the reactor has a turn; the page is complete all the same."""
        values = {"rows": range(1000), "cost": SLICE / 20}
        page = Deferred.fromCoroutine(self.renderer.render("rows", values))
        self.assertNoResult(page)
        self.assertEqual(1, len(self.clock.getDelayedCalls()))
        self.clock.advance(0)
        self.assertEqual(b"".join(b"<%d>" % row for row in range(1000)), self.successResultOf(page))
