"""The templates' environment."""

from jinja2 import UndefinedError

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.statuspage.statics import Statics
from buildfarm.statuspage.templates import make_environment


class EnvironmentTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.environment = make_environment(Statics().url)

    def test_everything_is_escaped(self) -> None:
        """Markup in a value is text, and so is what it says after the filters."""
        template = self.environment.from_string("{{ x }}|{{ x | shown }}|{{ x | one_line }}")
        shown = template.render(x="<b>\x1b[2J&")
        self.assertEqual(
            "&lt;b&gt;\x1b[2J&amp;|&lt;b&gt;\\x1b[2J&amp;|&lt;b&gt;\\x1b[2J&amp;", shown
        )

    def test_a_missing_name_is_an_error(self) -> None:
        """A page does not silently lack what its template asks for."""
        self.assertRaises(UndefinedError, self.environment.from_string("{{ x }}").render)

    def test_every_template_is_compiled(self) -> None:
        """Before the first page; and static files that it names exist."""
        self.patch(self.environment, "compile", None)
        for name in self.environment.list_templates():
            self.assertIsNotNone(self.environment.get_template(name))
        self.assertRegex(Statics().url("page.css"), r"^/\+static/page\.[0-9a-f]{16}\.css$")
