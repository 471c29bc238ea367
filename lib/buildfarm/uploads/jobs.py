"""What the upload stage and its children say to each other.

Layer 3; tests in `tests/functional/uploads/test_publishing.py`. `publishing` holds one end of the
conversation, `children` the other.

The manager sends an `UploadJob`. The child sends `{"step": name}` at each numbered step, and goes
on when it is told to; and at last one of `{"published": true}`, `{"refused": sentence}` and
`{"postponed": sentence}`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from buildfarm.uploads.check import BinaryPackage
from buildfarm.vocab.upload import ResultFile, UploadTask

#: The results have passed the check; the archive is touched after this.
CHECKED = "upload.checked"

#: A `directory` upload is complete but not public; the database must know before it goes on.
PREPARED = "upload.prepared"

#: What a child runs, and a fork server is to import for it.
FUNCTION = "buildfarm.uploads.children:serve"
PRELOADED = ("buildfarm.uploads.children",)


@dataclass(frozen=True, slots=True)
class UploadJob:
    """One try: publish `results`, of which `packages` are packages that passed the check.

    There are none where the results are prepared already. `lock` is held meanwhile.
    """

    task: UploadTask
    results: Sequence[ResultFile]
    packages: Sequence[BinaryPackage]
    lock: Path
