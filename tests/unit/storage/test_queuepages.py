"""The queue in pages."""

from buildfarm.storage import builds
from buildfarm.storage.queuepages import QueuePage, queue_page
from buildfarm.vocab.states import BuildOutcome
from tests.unit.storage.cases import StorageTestCase


class QueuePageTests(StorageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ids = [
            self.submit(f"p{number}", architectures=(tag,))
            for number, tag in enumerate(("amd64", "arm64", "amd64", "amd64", "arm64"))
        ]
        self.act(builds.rescore, self.ids[3], 10, "root", self.now())

    def page(
        self, start: int = 0, size: int = 2, processor: str = "", seen: frozenset[str] | None = None
    ) -> QueuePage:
        """Some lines of the queue."""
        return self.ask(queue_page, seen, self.now(), processor, start, size)

    def shown(self, page: QueuePage) -> list[int | None]:
        """Which of the builds are on a page, by their place in `ids`."""
        return [None if one.build is None else self.ids.index(one.build.id) for one in page.lines]

    def test_in_the_order_of_dispatch(self) -> None:
        """The better score first, then the older; page by page, with the work before each."""
        first, second, last = (self.page(start) for start in (0, 2, 4))
        self.assertEqual([[3, 0], [1, 2], [4]], [self.shown(one) for one in (first, second, last)])
        self.assertEqual(
            [{}, 600.0, 1200.0],
            [first.before, *(sum(one.before.values()) for one in (second, last))],
        )
        self.assertEqual(5, first.total)

    def test_read_from_either_end(self) -> None:
        """A page says the same, whichever end of the queue is nearer to it."""
        whole = self.page(size=5).lines
        for start in range(5):
            page = self.page(start, 1)
            self.assertEqual((whole[start],), page.lines)
            before = dict.fromkeys((one.requirement.id for one in whole), 0.0)
            for line in whole[:start]:
                before[line.requirement.id] += line.estimated_duration
            self.assertEqual(before, {**dict.fromkeys(before, 0.0), **page.before})

    def test_beyond_the_end(self) -> None:
        """Is the last page; an empty queue has one too."""
        self.assertEqual([4], self.shown(self.page(100)))
        self.assertEqual([], self.shown(self.page(0, processor="i386")))

    def test_of_one_processor(self) -> None:
        """Only what is for it."""
        page = self.page(processor="arm64")
        self.assertEqual(([1, 4], 2), (self.shown(page), page.total))

    def test_what_may_not_be_told(self) -> None:
        """Has its line, and no name."""
        self.add_archive("secret", private=True)
        self.ids.append(self.submit("hidden", archive="secret"))
        self.assertEqual([4, None], self.shown(self.page(4, seen=frozenset())))
        self.assertEqual([4, 5], self.shown(self.page(4, seen=frozenset({"secret"}))))

    def test_what_may_not_go_yet(self) -> None:
        """Is counted apart."""
        self.end(self.start(self.add_builder()), BuildOutcome.GIVENBACK)
        self.assertEqual((4, 1), (self.page().total, self.page().later))
