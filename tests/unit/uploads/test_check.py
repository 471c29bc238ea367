"""The check before any upload: every reason to refuse, and what must pass."""

import hashlib
from dataclasses import replace
from typing import Any

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.packages import Results, deb
from buildfarm.farmtesting.uploadtasks import upload_task
from buildfarm.uploads.check import BinaryPackage, check_results
from buildfarm.vocab.errors import UploadRefused
from buildfarm.vocab.upload import ResultFile


class CheckTestCase(FarmTestCase):
    """The build is hello 1.0 for amd64 and `all`; its source declares hello and hello-data."""

    def write(self, files: dict[str, bytes] | None = None, **fields: str) -> tuple[ResultFile, ...]:
        """Results of these files, with these fields in their `.changes`."""
        results = Results(changes_fields=fields)
        if files is not None:
            results.files = files
        return results.write(self.make_directory())

    def check(
        self, files: dict[str, bytes] | None = None, build: Any = None, **fields: str
    ) -> list[str]:
        """Check results of these files; the names of the packages that pass."""
        found = check_results(upload_task(**(build or {})), self.write(files, **fields))
        return [package.file.name for package in found]

    def refused(
        self, reason: str, files: dict[str, bytes] | None = None, build: Any = None, **fields: str
    ) -> None:
        """Such results are refused, for this reason."""
        with self.assertRaisesRegex(UploadRefused, reason):
            self.check(files, build, **fields)


class TestGoodResults(CheckTestCase):
    def test_one_package(self) -> None:
        """The simplest build; the answer tells what the control data says."""
        results = self.write()
        (package,) = check_results(upload_task(), results)
        self.assertEqual(BinaryPackage(results[1], "hello", "1.0", "amd64"), package)

    def test_everything_that_a_build_makes(self) -> None:
        """Packages for the architecture and for all, debug symbols, installer parts, buildinfo."""
        files = {
            "hello_1.0_amd64.deb": deb(),
            "hello_1.0_amd64.buildinfo": b"Format: 1.0\n",
            "hello-data_1.0_all.deb": deb("hello-data", architecture="all", source="hello"),
            "hello-dbgsym_1.0_amd64.deb": deb("hello-dbgsym", source="hello"),
            "hello-data-dbgsym_1.0_amd64.ddeb": deb("hello-data-dbgsym", source="hello"),
            "hello-data_1.0_amd64.udeb": deb("hello-data", source="hello"),
        }
        expected = sorted(name for name in files if "buildinfo" not in name)
        self.assertEqual(expected, self.check(files, Architecture="amd64 all"))

    def test_only_for_all(self) -> None:
        """A build of a package with nothing for its architecture."""
        files = {"hello_1.0_all.deb": deb(architecture="all")}
        self.assertEqual(["hello_1.0_all.deb"], self.check(files, Architecture="all"))

    def test_without_section(self) -> None:
        """A package need not be classified, and whether it is goes on to the uploader."""
        files = {"hello_1.0_amd64.deb": deb(fields={"Section": ""})}
        (package,) = check_results(upload_task(), self.write(files))
        self.assertFalse(package.classified)

    def test_epoch(self) -> None:
        """The epoch of a version is not in file names."""
        files = {"hello_2-1_amd64.deb": deb(version="1:2-1")}
        self.check(files, {"version": "1:2-1"}, Version="1:2-1")

    def test_rebuild(self) -> None:
        """A rebuild has a version of its own, and names that of the source."""
        files = {"hello_1.0+b2_amd64.deb": deb(version="1.0+b2", source="hello (1.0)")}
        self.check(files, Version="1.0+b2", Source="hello (1.0)")

    def test_package_with_its_own_version(self) -> None:
        """A binary package may have another version, if it names that of the source."""
        self.check({"hello_7_amd64.deb": deb(version="3:7", source="hello (1.0)")})


class TestFiles(CheckTestCase):
    def test_no_changes(self) -> None:
        """Results without a `.changes`."""
        results = [file for file in self.write() if not file.name.endswith(".changes")]
        with self.assertRaisesRegex(UploadRefused, "exactly one .changes .* none"):
            check_results(upload_task(), results)

    def test_two_changes(self) -> None:
        """More than one `.changes`."""
        files = {"a.changes": b"", "b.changes": b"", "hello_1.0_amd64.deb": deb()}
        self.refused("exactly one .changes .* a.changes, b.changes", files)

    def test_no_package(self) -> None:
        """A `.changes` about nothing to publish."""
        self.refused("no binary package", {"hello_1.0_amd64.buildinfo": b"x"})

    def test_names_that_are_none(self) -> None:
        """A name that could become a path, hide, or move the cursor."""
        good = self.write()
        for name in (
            "../x.deb",
            "/etc/x.deb",
            ".x.deb",
            "",
            "x\n.deb",
            "x y.deb",
            "x" * 300,
            "é.deb",
        ):
            with self.assertRaisesRegex(UploadRefused, "is no file name of a package build"):
                check_results(upload_task(), (*good, replace(good[1], name=name)))

    def test_names_are_escaped(self) -> None:
        """A refused name is shown, but not as it is."""
        good = self.write()
        with self.assertRaisesRegex(UploadRefused, r"'\\\\x1b\[31m'"):
            check_results(upload_task(), (*good, replace(good[1], name="\x1b[31m")))

    def test_twice(self) -> None:
        """The same name for two files."""
        good = self.write()
        with self.assertRaisesRegex(UploadRefused, "hello_1.0_amd64.deb is twice in the results"):
            check_results(upload_task(), (*good, good[1]))

    def test_other_kinds(self) -> None:
        """Files that a binary build does not make, listed or not."""
        for name in ("hello_1.0.dsc", "hello_1.0.tar.xz", "README", "hello_1.0_amd64.deb.asc"):
            self.refused(f"{name} is no kind of file", {"hello_1.0_amd64.deb": deb(), name: b"x"})

    def test_listed_but_absent(self) -> None:
        """A file of the `.changes` that the builder did not offer."""
        two = self.write({"hello_1.0_amd64.deb": deb(), "hello-data_1.0_amd64.deb": deb()})
        with self.assertRaisesRegex(UploadRefused, "lists 'hello-data_1.0_.* not in the results"):
            check_results(upload_task(), two[1:])

    def test_present_but_unlisted(self) -> None:
        """A file that the builder offers beside those of the `.changes`."""
        more = replace(self.write()[1], name="hello-data_1.0_amd64.deb")
        with self.assertRaisesRegex(
            UploadRefused, "hello-data_1.0_amd64.deb is in the results, but"
        ):
            check_results(upload_task(), (*self.write(), more))

    def test_other_content_than_listed(self) -> None:
        """A file whose content is not what the `.changes` lists."""
        results = self.write()
        for content in (deb(version="2.0"), b"another size"):
            results[1].path.write_bytes(content)
            sha256 = hashlib.sha256(content).hexdigest()
            other = replace(results[1], size=len(content), sha256=sha256)
            with self.assertRaisesRegex(UploadRefused, "another size or SHA-256 than"):
                check_results(upload_task(), (results[0], other))

    def test_spool_changed(self) -> None:
        """A file that is no more what was gathered."""
        for number in (0, 1):
            results = self.write()
            with results[number].path.open("ab") as file:
                file.write(b"\n")
            with self.assertRaisesRegex(UploadRefused, "no more what was gathered"):
                check_results(upload_task(), results)


class TestChanges(CheckTestCase):
    def test_other_source(self) -> None:
        """A `.changes` of another source package."""
        self.refused("is of the source 'evil', not hello", Source="evil")

    def test_other_version(self) -> None:
        """A `.changes` of another version, said in either way."""
        self.refused("is of version '2.0', not 1.0", Version="2.0")
        self.refused("is of version '0.9', not 1.0", Source="hello (0.9)")

    def test_version_that_is_no_rebuild(self) -> None:
        """A version of its own must be that of a rebuild."""
        for version in ("2.0", "1.0+b", "1.0+bx", "1.0+b1+b1", "1x0+b1"):
            self.refused("is no rebuild of 1.0", Version=version, Source="hello (1.0)")

    def test_other_architecture(self) -> None:
        """A `.changes` for what was not asked for."""
        for architecture in ("arm64", "amd64 arm64", "source amd64"):
            self.refused("the build is for all and amd64", Architecture=architecture)
        self.refused(
            "the build is for amd64",
            {"hello_1.0_amd64.deb": deb()},
            {"arch_indep": False},
            Architecture="amd64 all",
        )

    def test_unreadable(self) -> None:
        """A `.changes` that is none."""
        self.refused("no control data", {"x.changes": b"\x00", "hello_1.0_amd64.deb": deb()})


class TestPackages(CheckTestCase):
    def test_undeclared(self) -> None:
        """A package that the source does not declare, or only seems to."""
        for name in ("libc6", "hello-dbgsym-dbgsym", "libc6-dbgsym", "hello2", "-dbgsym"):
            files = {f"x{name}_1.0_amd64.deb": deb(name, source="hello")}
            self.refused("which the source does not declare", files)

    def test_other_source(self) -> None:
        """A package that says it was built from another source, or another version of this one."""
        for source in ("evil", "hello (2.0)", "evil (1.0)"):
            files = {"hello_1.0_amd64.deb": deb(source=source)}
            self.refused("is built from .*, not from hello 1.0", files)

    def test_source_by_default(self) -> None:
        """A package that names no source is its own."""
        files = {"hello-data_1.0_amd64.deb": deb("hello-data")}
        self.refused("is built from 'hello-data 1.0', not from hello 1.0", files)
        files = {"hello_2.0_amd64.deb": deb(version="2.0")}
        self.refused("is built from 'hello 2.0', not from hello 1.0", files)

    def test_improper_version(self) -> None:
        """A version that is none, beside the right one of the source."""
        for version in ("../2", "2 3", "a:1", "1:"):
            files = {"hello_1.0_amd64.deb": deb(version=version, source="hello (1.0)")}
            self.refused("has the version '.*', which is none", files)

    def test_other_architecture(self) -> None:
        """A package for another architecture, or for all where that was not asked for."""
        files = {"hello_1.0_arm64.deb": deb(architecture="arm64")}
        self.refused("is for 'arm64'; the build is for all and amd64", files)
        files = {"hello_1.0_all.deb": deb(architecture="all")}
        self.refused("is for 'all'; the build is for amd64", files, {"arch_indep": False})

    def test_architecture_unknown_to_the_changes(self) -> None:
        """A package for an architecture that its own `.changes` does not name."""
        self.refused("is for 'all'", {"hello_1.0_all.deb": deb(architecture="all")})

    def test_file_name_of_another(self) -> None:
        """A file name that does not fit the control data."""
        for name in (
            "hello-data_1.0_amd64.deb",
            "hello_2.0_amd64.deb",
            "hello_1.0_all.deb",
            "hello.deb",
        ):
            self.refused("should be called hello_1.0_amd64.deb", {name: deb()})

    def test_no_package_file(self) -> None:
        """A file that is only called a package."""
        self.refused("hello_1.0_amd64.deb is not a package file", {"hello_1.0_amd64.deb": b"x"})

    def test_twins(self) -> None:
        """Two files for the same package, by two names for one kind."""
        files = {f"hello_1.0_amd64.{suffix}": deb() for suffix in ("deb", "ddeb")}
        self.refused("amd64.ddeb and hello_1.0_amd64.deb are the same package", files)

    def test_missing_field(self) -> None:
        """Control data without what must be there."""
        for field in ("Package", "Version", "Architecture"):
            files = {"hello_1.0_amd64.deb": deb(fields={field: ""})}
            self.refused(f"has no proper {field} field", files)
        files = {"hello_1.0_amd64.deb": deb(fields={"Source": ""})}
        self.refused("has no proper Source field", files)
