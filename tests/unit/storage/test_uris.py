"""What people see of the URI of a database."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.storage.uris import without_password


class TestWithoutPassword(FarmTestCase):
    def test_nothing_to_hide(self) -> None:
        """A URI without a password is shown as it is."""
        for uri in ("sqlite:////srv/farm.db", "postgres://buildd@db/farm", "postgres:///farm", ""):
            self.assertEqual(uri, without_password(uri))

    def test_hidden(self) -> None:
        """A password is never shown, whatever characters it has and wherever it stands."""
        shown = "postgres://buildd:***@db:5432/farm"
        for secret in ("secret", "s%2Fcret", "se/cret?", "se@cret", "se:cret", "se\ncret", ""):
            self.assertEqual(shown, without_password(f"postgres://buildd:{secret}@db:5432/farm"))
        self.assertEqual(
            "postgres://db/farm?password=***&sslmode=require",
            without_password("postgres://db/farm?password=secret&sslmode=require"),
        )
        self.assertEqual(
            "postgres://db/farm?sslpassword=***",
            without_password("postgres://db/farm?sslpassword=secret"),
        )
