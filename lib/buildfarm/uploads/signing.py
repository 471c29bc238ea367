"""The key that signs an archive.

Layer 3; tests in `tests/functional/uploads/test_signing.py`. Blocks on gpg.

The secret key has no passphrase, since nobody is there to type one; it lies in a directory of the
archive that only its owner can enter, which is not published.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from buildfarm.flow.durable import flush_directory, flush_tree, write_durably
from buildfarm.uploads.layout import Layout
from buildfarm.uploads.programs import run_program
from buildfarm.vocab.errors import Refused, UploadPostponed
from buildfarm.vocab.text import one_line

#: Seconds for gpg to make a key, which can wait for entropy.
_DEADLINE = 120.0

_ARMORED = re.compile(r"-----BEGIN PGP PUBLIC KEY BLOCK-----.*-----END [^\n]*-----\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`fingerprint` is an archive's `key_id`, `public_key` one of its `trusted_keys`."""

    fingerprint: str
    public_key: str


def make_signing_key(path: Path, archive: str) -> SigningKey:
    """The signing key of the archive named `archive` in the directory `path`, made where missing.

    Raises Refused where gpg fails.
    """
    layout = Layout(path)
    if not _fingerprints(layout):
        owner = f"buildd-manager archive {archive}"
        arguments = ("--passphrase", "", "--quick-generate-key", owner, "ed25519", "sign", "never")
        _gpg(layout.keys, *arguments)
    return _only_key(layout)


def import_signing_key(path: Path, secret_key: Path) -> SigningKey:
    """Take the key in the file `secret_key` (as `gpg --export-secret-keys` wrote it) for signing.

    It must have no passphrase. Raises Refused where gpg fails, the file has not exactly one key, or
    the archive has another; then the archive's keys are as they were.
    """
    layout = Layout(path)
    offered = _listed(secret_key.parent, "--show-keys", str(secret_key))
    if len(offered) != 1:
        raise Refused(f"Exactly one secret key can sign an archive; the file holds {len(offered)}.")
    held = _fingerprints(layout) if layout.keys.exists() else []
    if held not in ([], offered):
        raise Refused(f"{layout.keys} holds the key {held[0]} already, and not {offered[0]}.")
    _gpg(layout.keys, "--import", str(secret_key))
    return _only_key(layout)


def export_public_key(layout: Layout, fingerprint: str) -> None:
    """Publish the key that verifies the archive's signatures. Raises Refused where gpg fails."""
    write_durably(layout.public_key, _armored(layout, fingerprint).encode(), mode=0o644)


def _only_key(layout: Layout) -> SigningKey:
    found = _fingerprints(layout)
    if len(found) != 1:
        raise Refused(f"{layout.keys} must hold exactly one secret key, but holds {len(found)}.")
    flush_tree(layout.keys)
    flush_directory(layout.root)
    return SigningKey(found[0], _armored(layout, found[0]))


def _fingerprints(layout: Layout) -> list[str]:
    """The fingerprints of the archive's secret keys."""
    return _listed(layout.keys, "--list-secret-keys")


def _listed(home: Path, *listing: str) -> list[str]:
    """The fingerprints of the primary secret keys: each follows a `sec` line in gpg's listing."""
    lines = _gpg(home, "--with-colons", *listing).splitlines()
    return [
        second.split(":")[9]
        for first, second in pairwise(lines)
        if first.startswith("sec:") and second.startswith("fpr:")
    ]


def _armored(layout: Layout, fingerprint: str) -> str:
    printed = _gpg(layout.keys, "--armor", "--export", fingerprint)
    match = _ARMORED.search(printed)
    if match is None:
        raise Refused(f"{layout.keys} has no key {fingerprint}.")
    return match[0]


def _gpg(directory: Path, *arguments: str) -> str:
    """Run gpg on the keys in `directory` and return what it printed."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = ("--homedir", str(directory))
    command: Sequence[str] = ("gpg", *home, "--batch", "--quiet", "--no-tty", *arguments)
    try:
        ended = run_program(command, deadline=_DEADLINE)
        run_program(("gpgconf", *home, "--kill", "gpg-agent"), deadline=_DEADLINE)
    except UploadPostponed as error:
        raise Refused(str(error)) from error
    if ended.status != 0:
        raise Refused(f"gpg failed with status {ended.status}: {one_line(ended.output, 1000)}")
    return ended.output
