"""Tokens and the key that they are made with."""

from pathlib import Path

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.snapshots import an_attempt
from buildfarm.filestore.tokens import Named, Scope, Tokens, load_key, named_in
from buildfarm.vocab.errors import Refused


class TestTokens(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.tokens = Tokens(bytes(range(32)))
        self.attempt = an_attempt(id=17, builder_id=4)

    def test_names_its_attempt(self) -> None:
        """A token tells whom it is for, so that it can be looked up."""
        token = self.tokens.token(self.attempt, Scope.FILES)
        self.assertEqual(Named(4, 17), named_in(token))
        self.assertTrue(self.tokens.fits(token, self.attempt, Scope.FILES))

    def test_fits_nothing_else(self) -> None:
        """Another attempt, another scope, another key and any other text have other tokens."""
        token = self.tokens.token(self.attempt, Scope.FILES)
        other = an_attempt(id=17, builder_id=4, cookie="PACKAGEBUILD-1-2-00000000")
        self.assertFalse(self.tokens.fits(token, other, Scope.FILES))
        self.assertFalse(self.tokens.fits(token, self.attempt, Scope.ARCHIVE))
        self.assertFalse(Tokens(bytes(32)).fits(token, self.attempt, Scope.FILES))
        for text in ("", "x", token[:-1], token + "0", token.upper(), "é" * 80, "\ud800"):
            self.assertIsNone(named_in(text))

    def test_the_same_after_a_restart(self) -> None:
        """The same key makes the same token."""
        again = Tokens(bytes(range(32)))
        token = self.tokens.token(self.attempt, Scope.ARCHIVE)
        self.assertEqual(token, again.token(self.attempt, Scope.ARCHIVE))


class TestKey(FarmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.make_directory()) / "token.key"

    def test_made_once(self) -> None:
        """The first start makes it, for nobody else to read; later ones use it."""
        key = load_key(self.path)
        self.assertEqual((32, 0o600), (len(key), self.path.stat().st_mode & 0o777))
        self.assertEqual(key, load_key(self.path))

    def test_readable_by_others(self) -> None:
        """A key that others may have read is not used."""
        load_key(self.path)
        self.path.chmod(0o640)
        with self.assertRaisesRegex(Refused, "mode 0640"):
            load_key(self.path)

    def test_damaged(self) -> None:
        """Half a key is none."""
        self.path.touch(0o600)
        self.assertRaises(Refused, load_key, self.path)
