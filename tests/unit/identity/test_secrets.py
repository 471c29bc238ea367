"""Keys and secrets: made, joined, kept as digests, compared."""

import re

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.identity.secrets import digest, fits, new_secret, parted


class SecretsTests(FarmTestCase):
    def test_long_and_plain(self) -> None:
        """128 bits of key, 256 of secret, in characters that no encoding changes; never again."""
        one, other = new_secret(), new_secret()
        self.assertIsNotNone(re.fullmatch("[0-9a-f]{32}", one.key))
        self.assertIsNotNone(re.fullmatch("[0-9a-f]{64}", one.secret))
        self.assertNotEqual((one.key, one.secret), (other.key, other.secret))

    def test_kept_as_a_digest(self) -> None:
        """What the database gets does not have the secret, and fits it alone."""
        new = new_secret()
        self.assertNotIn(new.secret, repr(new.kept))
        self.assertTrue(fits(new.secret, new.kept.secret_sha256))
        self.assertFalse(fits(new.secret[:-1], new.kept.secret_sha256))
        self.assertFalse(fits("", new.kept.secret_sha256))
        self.assertFalse(fits(digest(new.secret), new.kept.secret_sha256))

    def test_joined(self) -> None:
        """As one word for a link, and apart again."""
        new = new_secret()
        self.assertEqual((new.key, new.secret), parted(new.joined))

    @given(st.text())
    def test_anything_can_be_parted_and_compared(self, text: str) -> None:
        """What a stranger sends fits nothing and breaks nothing."""
        key, secret = parted(text)
        self.assertFalse(fits(secret, new_secret().kept.secret_sha256))
        self.assertEqual(text, f"{key}.{secret}" if "." in text else key)
