"""What simulated builds make passes the check that real results have to pass."""

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.packages import result_file
from buildfarm.farmtesting.simulatedresults import package_results
from buildfarm.farmtesting.uploadtasks import upload_task
from buildfarm.uploads.check import check_results


class TestPackageResults(FarmTestCase):
    """Packages by source and version."""

    def test_they_pass_the_check_before_an_upload(self) -> None:
        """An epoch is in the control data, and in no file name."""
        for version in ("1.0", "2:1.0-3"):
            directory = self.make_directory()
            files = package_results("hello", version, "hello-data", "amd64", 2000)
            results = tuple(
                result_file(directory / f"{number:04}", name, content)
                for number, (name, content) in enumerate(sorted(files.items()), 1)
            )
            (package,) = check_results(upload_task(version=version), results)
            self.assertEqual(
                ("hello-data", version, "amd64"),
                (package.name, package.version, package.architecture),
            )

    def test_a_package_is_about_as_large_as_it_should_be(self) -> None:
        """No compressor makes it smaller."""
        files = package_results("hello", "1.0", "hello", "amd64", 1_000_000)
        self.assertLess(abs(len(files["hello_1.0_amd64.deb"]) - 1_000_000), 20_000)
