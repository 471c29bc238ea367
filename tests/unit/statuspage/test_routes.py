"""Which page has which path."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.routes import Route, Routes


class RoutesTests(FarmTestCase):
    def test_a_place_is_one_name(self) -> None:
        """It never spans a slash, and is never empty."""
        builder = Route("/builders/{name}")
        routes = Routes([Route("/"), builder])
        self.assertEqual((builder, {"name": "bob.example"}), routes.find("/builders/bob.example"))
        for path in ("/builders/", "/builders/a/b", "/builders", "", "x/builders/bob"):
            self.assertIsNone(routes.find(path), path)

    def test_what_is_no_place_is_literal(self) -> None:
        """A dot or a plus in a path stands for itself."""
        routes = Routes([Route("/+x.y")])
        self.assertIsNotNone(routes.find("/+x.y"))
        self.assertIsNone(routes.find("/+xay"))
