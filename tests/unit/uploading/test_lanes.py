"""The lanes of the upload stage: order within an archive, fairness between archives."""

from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.uploadtasks import archive, upload_task
from buildfarm.uploading.lanes import LANE_LENGTH, Lanes
from buildfarm.vocab.states import UploaderKind
from buildfarm.vocab.upload import UploadTask

PATH = Path("/srv/main")


def upload(build_id: int, archive_id: int = 1) -> UploadTask:
    return upload_task(archive(UploaderKind.DIRECTORY, PATH, id=archive_id), number=build_id)


class LanesTests(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.lanes = Lanes()

    def test_an_archive_is_served_in_order_and_one_at_a_time(self) -> None:
        """The second upload of an archive begins when the first has ended."""
        first, second = upload(1), upload(2)
        self.lanes.add([first, second])
        self.assertEqual(first, self.lanes.begin())
        self.assertIsNone(self.lanes.begin())
        self.lanes.end(first)
        self.assertEqual(second, self.lanes.begin())

    def test_archives_are_served_in_turn(self) -> None:
        """A long lane does not keep another archive's only upload waiting."""
        self.lanes.add([upload(1, 1), upload(2, 1), upload(3, 1), upload(4, 2)])
        order: list[int] = []
        while task := self.lanes.begin():
            order.append(task.build_id)
            self.lanes.end(task)
        self.assertEqual([1, 4, 2, 3], order)

    def test_a_hung_archive_holds_one_place(self) -> None:
        """What else is due for it waits; other archives go on."""
        self.lanes.add([upload(1, 1), upload(2, 1), upload(3, 2)])
        self.lanes.begin()
        other = self.lanes.begin()
        self.assertEqual(upload(3, 2), other)
        self.assertEqual(2, self.lanes.running)
        self.assertIsNone(self.lanes.begin())

    def test_an_upload_that_is_held_is_not_added_again(self) -> None:
        """The database names it as due until its end is recorded."""
        task = upload(1)
        self.lanes.add([task])
        self.lanes.add([task])
        self.assertEqual(task, self.lanes.begin())
        self.lanes.add([task])
        self.lanes.end(task)
        self.assertIsNone(self.lanes.begin())

    def test_a_lane_is_bounded(self) -> None:
        """What does not fit stays in the database."""
        self.lanes.add([upload(number) for number in range(1, LANE_LENGTH + 10)])
        served = 0
        while task := self.lanes.begin():
            self.lanes.end(task)
            served += 1
        self.assertEqual(LANE_LENGTH, served)

    def test_more_is_wanted_when_half_a_lane_is_left(self) -> None:
        """Until then the archive is named as supplied."""
        self.lanes.add([upload(number) for number in range(1, LANE_LENGTH + 1)])
        while len(self.lanes.supplied()) == 1:
            task = self.lanes.begin()
            assert task is not None
            self.lanes.end(task)
        self.assertEqual(upload(LANE_LENGTH // 2 + 2), self.lanes.begin())
        self.lanes.add([upload(LANE_LENGTH + 1), upload(LANE_LENGTH + 2)])
        self.assertEqual(frozenset({1}), self.lanes.supplied())
