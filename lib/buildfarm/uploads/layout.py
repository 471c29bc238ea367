"""Where the parts of an archive kept by reprepro are.

Layer 3; tests in `tests/unit/uploads/test_layout.py`. Pure.

Only `public/` is for the world: database, configuration and secret key lie beside it.
"""

from dataclasses import dataclass
from pathlib import Path

from buildfarm.uploads.check import BinaryPackage


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below the archive's directory `root`."""

    root: Path

    @property
    def conf(self) -> Path:
        """reprepro's configuration."""
        return self.root / "conf"

    @property
    def database(self) -> Path:
        """reprepro's database."""
        return self.root / "db"

    @property
    def saved_database(self) -> Path:
        """The database as it was before the upload that `marker` names."""
        return self.root / "db.saved"

    @property
    def marker(self) -> Path:
        """Exists while an upload changes the archive."""
        return self.root / "uploading.json"

    @property
    def ledger(self) -> Path:
        """The cookies of the latest uploads that were published."""
        return self.root / "published"

    @property
    def keys(self) -> Path:
        """The private GNUPGHOME, with the key that signs the archive."""
        return self.root / "keys"

    @property
    def public(self) -> Path:
        """What apt reads: `dists/` and `pool/`."""
        return self.root / "public"

    @property
    def public_key(self) -> Path:
        """The armored key that verifies the archive's signatures."""
        return self.public / "archive-key.asc"


def pool_path(component: str, source: str, package: BinaryPackage) -> str:
    """Where reprepro puts a package, relative to `public/`.

    A `.ddeb` is a `.deb` by another name; apt wants the usual one.
    """
    prefix = source[:4] if source.startswith("lib") else source[0]
    suffix = "udeb" if package.is_udeb else "deb"
    return f"pool/{component}/{prefix}/{source}/{package.stem}.{suffix}"
