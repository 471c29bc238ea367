"""Where a builder finds a file of the store."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.filestore.urls import file_url
from buildfarm.vocab.build import StoredFile


class FileUrlTest(FarmTestCase):
    """The digest finds the file, the name is quoted."""

    def test_url(self) -> None:
        """A name with signs that mean something in a URL does not change the path."""
        file = StoredFile("a/b_1:2+3%20?.dsc", 1, "1" * 40, "2" * 64)
        expected = f"http://files.example:8086/{'2' * 64}/a%2Fb_1%3A2%2B3%2520%3F.dsc"
        self.assertEqual(expected, file_url("http://files.example:8086", file))
        self.assertEqual(expected, file_url("http://files.example:8086/", file))
