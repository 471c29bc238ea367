"""Hostile packages: what the check before an upload has to find.

Beside the layers; part of `hostile.table`. These are what a package's own code can do on an honest
builder, so the job is to blame.
"""

import functools
import lzma
import tarfile

from buildfarm.farmtesting.daemonscript import Order
from buildfarm.farmtesting.hostile.behaviour import Behaviour, Judged, source_of, true_results
from buildfarm.farmtesting.hostile.results import making
from buildfarm.farmtesting.packages import changes, deb, deb_of
from buildfarm.farmtesting.simulatedresults import package_results

#: What the bomb unpacks to; it is refused after 64 MiB.
_BOMB_BYTES = 80 * 1024 * 1024
_ZEROS = bytes(1024 * 1024)


def _with_changes(order: Order, name: str, package: bytes) -> dict[str, bytes]:
    """One package of this file name, and the `.changes` of this build that lists it."""
    source, version = source_of(order)
    files = {name: package}
    stated = changes(files, Source=source, Version=version, Binary=source)
    return {**files, f"{source}_{version}_amd64.changes": stated}


def _other_source(order: Order) -> dict[str, bytes]:
    source, version = source_of(order)
    results = {name: file for name, file in true_results(order).items() if name.endswith(".deb")}
    stated = changes(results, Source="openssl", Version=version, Binary=source)
    return {**results, f"{source}_{version}_amd64.changes": stated}


def _two_changes(order: Order) -> dict[str, bytes]:
    return {**true_results(order), **package_results("openssl", "3.0", "libssl3", "amd64", 100)}


def _no_changes(order: Order) -> dict[str, bytes]:
    return {name: file for name, file in true_results(order).items() if name.endswith(".deb")}


def _foreign_deb(order: Order) -> dict[str, bytes]:
    source, version = source_of(order)
    package = deb(source, version, "amd64", source="openssl (3.0)")
    return _with_changes(order, f"{source}_{version}_amd64.deb", package)


def _undeclared(order: Order) -> dict[str, bytes]:
    source, version = source_of(order)
    package = deb("sudo", version, "amd64", source=source)
    return _with_changes(order, f"sudo_{version}_amd64.deb", package)


def _unlisted(order: Order) -> dict[str, bytes]:
    _, version = source_of(order)
    return {**true_results(order), f"sudo_{version}_amd64.deb": deb("sudo", version)}


@functools.cache
def _bomb() -> bytes:
    """Packed piece by piece: whoever makes a bomb need not have room for it."""
    control = tarfile.TarInfo("./control")
    control.size = _BOMB_BYTES
    packer = lzma.LZMACompressor(preset=0)
    packed = packer.compress(control.tobuf())
    for _ in range(_BOMB_BYTES // len(_ZEROS)):
        packed += packer.compress(_ZEROS)
    packed += packer.flush()
    return deb_of(b"", pack=lambda content: content or packed, suffix=".xz")


def _xz_bomb(order: Order) -> dict[str, bytes]:
    source, version = source_of(order)
    return _with_changes(order, f"{source}_{version}_amd64.deb", _bomb())


def _job(name: str, does: str, told: str, results: object) -> Behaviour:
    script = making(results)  # type: ignore[arg-type]
    return Behaviour(name=name, does=does, judged=Judged.JOB, told=told, script=script)


PACKAGES = (
    _job(
        "changes-of-another-source",
        "makes a .changes for another source package",
        "is of the source 'openssl', not",
        _other_source,
    ),
    _job(
        "two-changes",
        "makes two .changes files",
        "There must be exactly one .changes file in the results",
        _two_changes,
    ),
    _job(
        "no-changes",
        "makes a package without a .changes",
        "there is no .changes among the results",
        _no_changes,
    ),
    _job(
        "foreign-deb",
        "makes a package that says that it was built from another source",
        "is built from 'openssl 3.0', not from",
        _foreign_deb,
    ),
    _job(
        "undeclared-package",
        "makes a package that its source does not declare",
        "is the package 'sudo', which the source does not declare",
        _undeclared,
    ),
    _job(
        "unlisted-package",
        "makes a package that its .changes does not list",
        "is in the results, but",
        _unlisted,
    ),
    _job(
        "xz-bomb",
        "makes a package of some kilobytes whose control data unpacks to 80 MiB",
        "control",
        _xz_bomb,
    ),
)
