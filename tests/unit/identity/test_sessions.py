"""The cookie of a session, and the word of its forms."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.identity.secrets import new_secret
from buildfarm.identity.sessions import (
    NO_SESSION,
    Session,
    cookie,
    cookie_name,
    csrf_word,
    is_word_of,
    no_cookie,
)
from buildfarm.vocab.access import Visitor


class CookieTests(FarmTestCase):
    def test_over_tls(self) -> None:
        """Sent over TLS alone, to this host alone, and out of reach of scripts."""
        new = new_secret()
        self.assertEqual(
            f"__Host-farm={new.joined}; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax; Secure",
            cookie("https://farm.example", new, timedelta(hours=1)),
        )
        self.assertEqual(
            "__Host-farm=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure",
            no_cookie("https://farm.example"),
        )

    def test_without_tls(self) -> None:
        """Browsers would not keep a secure one; the port keeps farms of one machine apart."""
        self.assertEqual("farm-8085", cookie_name("http://127.0.0.1:8085"))
        self.assertEqual("__Host-farm-8443", cookie_name("https://[::1]:8443"))
        self.assertNotIn("Secure", no_cookie("http://127.0.0.1:8085"))


class WordTests(FarmTestCase):
    def test_one_for_each_session(self) -> None:
        """It follows from the secret, does not tell it, and is no other session's."""
        one, other = new_secret().secret, new_secret().secret
        self.assertEqual(csrf_word(one), csrf_word(one))
        self.assertNotEqual(csrf_word(one), csrf_word(other))
        self.assertNotIn(csrf_word(one), one)

    @given(st.text())
    def test_only_that_word_fits(self, text: str) -> None:
        """Whatever a stranger sends; and without a session nothing fits, not even nothing."""
        word = csrf_word(new_secret().secret)
        session = Session(Visitor("ann"), word, "key")
        self.assertTrue(is_word_of(session, word))
        self.assertFalse(is_word_of(session, text))
        self.assertFalse(is_word_of(NO_SESSION, text))
        self.assertFalse(is_word_of(NO_SESSION, ""))
