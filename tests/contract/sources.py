"""The source packages of the contract: the demo's, and one whose build never ends."""

import functools
import shutil
import tempfile
from pathlib import Path

from buildfarm.farmtesting.daemoncase import Sources, read_source
from demo.make_chroot import make_chroot
from demo.make_source import make_source

DEMO = Path(__file__).parents[2] / "demo" / "packages"

_ENDLESS_RULES = """\
#!/usr/bin/make -f

build build-arch build-indep:
	i=0; while true; do i=$$((i + 1)); echo "line $$i of a log that has no end"; sleep 0.01; done

binary binary-arch binary-indep: build

clean:

.PHONY: build build-arch build-indep clean binary binary-arch binary-indep
"""


@functools.cache
def contract_sources() -> Sources:
    """All of them, made once in each process."""
    with tempfile.TemporaryDirectory() as made:
        scratch = Path(made)
        return Sources(
            chroot=make_chroot(scratch / "chroot.tar.gz").read_bytes(),
            good=source_of(scratch, "farm-greeting"),
            broken=source_of(scratch, "farm-broken"),
            waiting=source_of(scratch, "farm-depwait"),
            endless=source_of(scratch, "farm-greeting", "farm-endless", _ENDLESS_RULES),
        )


def source_of(scratch: Path, package: str, name: str = "", rules: str = "") -> dict[str, bytes]:
    """The source package of `package` of the demo, or one like it with a `name` and `rules`."""
    name = name or package
    tree, made = scratch / name / name, scratch / name / "made"
    shutil.copytree(DEMO / package, tree)
    made.mkdir()
    if rules:
        (tree / "debian" / "rules").write_text(rules)
        for file in ("control", "changelog"):
            path = tree / "debian" / file
            path.write_text(path.read_text().replace(package, name))
    return read_source(make_source(tree, made))
