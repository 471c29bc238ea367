"""Keys and secrets: made at random, kept as digests, compared in constant time.

They are of unreserved characters only: OAuth percent-encodes them once here and twice there.

Layer 4. Tests: tests/unit/identity/test_secrets.py.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from buildfarm.vocab.people import Secret


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A new key with its secret, to be told once; `kept` is what the database gets."""

    key: str
    secret: str

    @property
    def kept(self) -> Secret:
        """The key, and the digest of the secret."""
        return Secret(self.key, digest(self.secret))

    @property
    def joined(self) -> str:
        """Both as one word, for a link or a cookie; see `parted`."""
        return f"{self.key}.{self.secret}"


def new_secret() -> NewSecret:
    """128 random bits that name a token, and 256 that prove it."""
    return NewSecret(secrets.token_hex(16), secrets.token_hex(32))


def parted(joined: str) -> tuple[str, str]:
    """Key and secret of `NewSecret.joined`; of anything else, two texts that fit no token."""
    key, _, secret = joined.partition(".")
    return key, secret


def digest(secret: str) -> str:
    """What is kept of a secret. It is random and long: a plain digest cannot be searched."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def fits(secret: str, kept: str) -> bool:
    """Whether `secret` is the one of which `kept` is the digest; takes as long either way."""
    return hmac.compare_digest(digest(secret), kept)
