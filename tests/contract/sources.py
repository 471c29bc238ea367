"""The source packages of the contract: the demo's, and one whose build never ends."""

import functools
import shutil
import tempfile
from pathlib import Path

from buildfarm.farmtesting.daemoncase import Sources, read_source
from demo.make_chroot import make_chroot
from demo.make_source import make_source

_DEMO = Path(__file__).parents[2] / "demo" / "packages"

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
            good=_source(scratch, "farm-greeting"),
            broken=_source(scratch, "farm-broken"),
            waiting=_source(scratch, "farm-depwait"),
            endless=_source(scratch, "farm-greeting", "farm-endless", _ENDLESS_RULES),
        )


def _source(scratch: Path, package: str, name: str = "", rules: str = "") -> dict[str, bytes]:
    """The source package of `package` of the demo, under another `name` and with other `rules`."""
    name = name or package
    tree, made = scratch / name / name, scratch / name / "made"
    shutil.copytree(_DEMO / package, tree)
    made.mkdir()
    if rules:
        (tree / "debian" / "rules").write_text(rules)
        for file in ("control", "changelog"):
            path = tree / "debian" / file
            path.write_text(path.read_text().replace(package, name))
    return read_source(make_source(tree, made))
