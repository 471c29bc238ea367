"""One upload at a time per archive.

Layer 3; tests in `tests/functional/uploads/test_publishing.py`.
"""

from pathlib import Path


def archive_lock(locks_dir: Path, archive: str) -> Path:
    """The lock file of an archive, in `locks_dir`, which is made when it is missing."""
    locks_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    return locks_dir / f"archive-{archive}.lock"
