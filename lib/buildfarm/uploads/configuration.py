"""reprepro's configuration for an archive.

Layer 3; tests in `tests/unit/uploads/test_configuration.py`. Blocks on the disk.
"""

from buildfarm.flow.durable import write_durably
from buildfarm.uploads.layout import Layout
from buildfarm.vocab.archive import ArchiveSnapshot, NewArchive
from buildfarm.vocab.errors import Refused

#: Begins a file that is ours to write anew.
_OURS = "# Written by buildd-manager, which writes it anew when the archive is changed.\n"

# As in `layout`; with these, `reprepro -b PATH list SUITE` works for an operator too.
_OPTIONS = f"{_OURS}outdir +b/public\ngnupghome +b/keys\n"


def configure(layout: Layout, archive: ArchiveSnapshot | NewArchive) -> bool:
    """Write the configuration, if it is not what `archive` needs; whether it was not.

    Raises Refused where the directory has a configuration that somebody else wrote.
    """
    texts = {"options": _OPTIONS, "distributions": distributions(archive)}
    changed = False
    for name, text in texts.items():
        path = layout.conf / name
        present = path.read_text(encoding="utf-8", errors="replace") if path.exists() else _OURS
        if not present.startswith(_OURS):
            raise Refused(
                f"{path} was not written by buildd-manager; name a directory of its own for the "
                f"archive {archive.name}."
            )
        if present != text:
            write_durably(path, text.encode())
            changed = True
    return changed


def distributions(archive: ArchiveSnapshot | NewArchive) -> str:
    """`conf/distributions` for an archive: one distribution per suite."""
    fields = {
        "Origin": archive.name,
        "Label": archive.name,
        "Architectures": " ".join(archive.architectures),
        "Components": archive.component,
        "UDebComponents": archive.component,
        **({} if archive.key_id is None else {"SignWith": archive.key_id}),
    }
    common = "".join(f"{name}: {value}\n" for name, value in fields.items())
    return _OURS + "\n".join(
        f"Codename: {suite}\nSuite: {suite}\n{common}" for suite in archive.suites
    )
