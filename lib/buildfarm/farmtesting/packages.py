"""Results of a package build, made in memory: real `.deb` files with their `.changes`.

Beside the layers; used by the tests of `uploads` and of what stands above it. dpkg and apt take
these packages for what they say they are; the functional tests of `uploads` hold it to that.
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from buildfarm.vocab.upload import ResultFile


def deb(
    name: str = "hello",
    version: str = "1.0",
    architecture: str = "amd64",
    *,
    source: str | None = None,
    fields: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> bytes:
    """A binary package with these control fields, and `files` by their path."""
    control = {
        "Package": name,
        **({} if source is None else {"Source": source}),
        "Version": version,
        "Architecture": architecture,
        "Maintainer": "Farm <farm@example.com>",
        "Section": "misc",
        "Priority": "optional",
        "Description": "package of a test",
        **(fields or {}),
    }
    text = "".join(f"{key}: {value}\n" for key, value in control.items())
    return deb_of(tar({"./control": text.encode()}), tar(files or {f"./usr/share/{name}": b""}))


def deb_of(
    control: bytes,
    data: bytes = b"",
    *,
    pack: Callable[[bytes], bytes] = lambda content: gzip.compress(content, mtime=0),
    suffix: str = ".gz",
) -> bytes:
    """A package file of two tar archives, packed by `pack`, which belongs to `suffix`."""
    members = {
        "debian-binary": b"2.0\n",
        f"control.tar{suffix}": pack(control),
        f"data.tar{suffix}": pack(data or tar({})),
    }
    return ar(members.items())


def ar(members: Iterable[tuple[str, bytes]]) -> bytes:
    """An ar archive of these members, in order."""
    parts = [b"!<arch>\n"]
    for name, content in members:
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
        parts += [header.encode(), content, b"\n" * (len(content) % 2)]
    return b"".join(parts)


def tar(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of these files as dpkg-deb writes it, with their directories."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        directories = {str(parent) for name in files for parent in Path(name).parents}
        for name in sorted(directories | {"."}):
            member = tarfile.TarInfo("./" if name == "." else f"./{name}/")
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def changes(files: Mapping[str, bytes], **replaced: str) -> bytes:
    """A `.changes` of hello 1.0 for amd64 that lists `files`.

    `replaced` are fields with other values, hyphens as underscores; an empty one is left out.
    """
    fields = {
        "Format": "1.8",
        "Source": "hello",
        "Binary": "hello",
        "Architecture": "amd64",
        "Version": "1.0",
        "Distribution": "unstable",
        "Maintainer": "Farm <farm@example.com>",
        "Changes": "\n hello (1.0) unstable; urgency=medium\n .\n   * Test.",
        "Checksums-Sha1": listed(files, "sha1"),
        "Checksums-Sha256": listed(files, "sha256"),
        "Files": listed(files, "md5", " misc optional"),
        **{name.replace("_", "-"): value for name, value in replaced.items()},
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value).encode()


def listed(files: Mapping[str, bytes], algorithm: str, columns: str = "") -> str:
    """The value of a field that lists `files`: digest, size, `columns` and name of each."""
    return "".join(
        f"\n {hashlib.new(algorithm, content).hexdigest()} {len(content)}{columns} {name}"
        for name, content in files.items()
    )


@dataclass
class Results:
    """The results of one build, by name; `changes_fields` replace fields of the `.changes`.

    The `.changes` lists what is in `files` when `write` is called, unless `files` has one itself.
    """

    files: dict[str, bytes] = field(default_factory=lambda: {"hello_1.0_amd64.deb": deb()})
    changes_fields: dict[str, str] = field(default_factory=dict)
    changes_name: str = "hello_1.0_amd64.changes"

    def write(self, directory: Path) -> tuple[ResultFile, ...]:
        """Put the files into the spool directory `directory`, as a gatherer does."""
        files = dict(self.files)
        if not any(name.endswith(".changes") for name in files):
            files[self.changes_name] = changes(files, **self.changes_fields)
        directory.mkdir(parents=True, exist_ok=True)
        return tuple(
            result_file(directory / f"{number:04}", name, content)
            for number, (name, content) in enumerate(sorted(files.items()), 1)
        )


def result_file(path: Path, name: str, content: bytes) -> ResultFile:
    """Write `content` to `path` and describe it as gathered under `name`."""
    path.write_bytes(content)
    return ResultFile(name, path, len(content), hashlib.sha256(content).hexdigest())
