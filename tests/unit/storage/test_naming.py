"""Which files the database names: chroots, sources, logs, however many there are."""

from buildfarm.storage import naming
from tests.unit.storage.cases import StorageTestCase, source, stored


class NamingTests(StorageTestCase):
    def named(self) -> set[str]:
        """All that is named."""
        found = set(self.act(naming.named_chroots))
        for query in naming.NAMING_QUERIES:
            after: int | None = 0
            while after is not None:
                page = self.ask(query, after)
                found |= page.digests
                after = page.last
        return found

    def test_chroots_sources_and_logs(self) -> None:
        """Every file that a build may need, or that people may ask for."""
        chroots = {stored(f"debian-{tag}.tar").sha256 for tag in ("amd64", "arm64", "i386")}
        self.assertEqual(chroots, self.named())
        self.submit()
        order = self.start(self.add_builder())
        self.gather(order)
        files = {file.sha256 for file in source().files}
        log = stored(f"log-{order.attempt.id}").sha256
        self.assertEqual({*chroots, *files, log}, self.named())

    def test_pages(self) -> None:
        """More than one page is read to its end, also where it ends with a page."""
        for count in (2 * naming._ROWS, 1):
            before = len(self.rows("SELECT id FROM source"))
            for number in range(before, before + count):
                self.submit(f"package{number}")
            total = before + count
            named = self.named()
            for number in range(total):
                self.assertIn(stored(f"package{number}.tar.xz").sha256, named)
