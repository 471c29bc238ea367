"""A notice that is given to those who listen."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.flow.notice import Notice


class NoticeTests(FarmTestCase):
    def test_all_who_listen(self) -> None:
        """Each hears of it every time, as long as it listens; the same listener may come twice."""
        notice = Notice()
        heard: list[str] = []
        with notice.telling(lambda: heard.append("first")):
            notice.give()
            with notice.telling(lambda: heard.append("second")):
                notice.give()
            notice.give()
        notice.give()
        self.assertEqual(["first", "first", "second", "first"], heard)
