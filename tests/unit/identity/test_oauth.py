"""What OAuth headers and forms say of who asks."""

from hypothesis import given
from hypothesis import strategies as st
from launchpadlib.credentials import AccessToken, Consumer
from lazr.restfulclient.authorize.oauth import OAuthAuthorizer

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.identity.oauth import Signed, from_form, from_header
from buildfarm.identity.secrets import new_secret

#: What a consumer may be called; launchpadlib does not escape quotes.
names = st.text(st.characters(codec="ascii", exclude_characters='"', min_codepoint=32), min_size=1)


def header(consumer: str, token: AccessToken | None) -> str:
    """The header that launchpadlib sends."""
    headers: dict[str, str] = {}
    authorizer = OAuthAuthorizer(consumer_name=consumer, access_token=token)
    authorizer.authorizeRequest("http://farm.test/devel/", "GET", None, headers)
    return headers["Authorization"]


class HeaderTests(FarmTestCase):
    @given(names.filter(str.isalnum))
    def test_what_launchpadlib_sends_is_understood(self, consumer: str) -> None:
        """Its consumer, its token and the token's secret."""
        new = new_secret()
        found = from_header(header(consumer, AccessToken(new.key, new.secret)))
        self.assertEqual(Signed(consumer, new.key, new.secret), found)
        assert found is not None
        self.assertFalse(found.is_anonymous)

    def test_a_consumer_with_spaces(self) -> None:
        """lp-shell calls itself by the system's name, with a colon and spaces."""
        name = "System-wide: Debian GNU/Linux (farm)"
        found = from_header(header(name, AccessToken("k", "s")))
        self.assertEqual(Signed(name, "k", "s"), found)

    def test_nobody_in_particular(self) -> None:
        """`login_anonymously` names a consumer and no token."""
        found = from_header(header(Consumer("a script").key, AccessToken("", "")))
        self.assertEqual(Signed("a script", "", ""), found)
        assert found is not None
        self.assertTrue(found.is_anonymous)

    @given(st.text(max_size=300))
    def test_any_header_is_understood_or_not(self, text: str) -> None:
        """Nothing that is sent is an error of ours."""
        for sent in (text, f"OAuth {text}", f'OAuth oauth_consumer_key="a",{text}'):
            found = from_header(sent)
            self.assertTrue(found is None or found.consumer)

    def test_white_space(self) -> None:
        """A long header of nothing is read in no time: gone through over and over, in minutes."""
        for _ in range(50):
            self.assertIsNone(from_header(f"OAuth {' ' * 15_000}x"))

    def test_what_is_no_plaintext(self) -> None:
        """Other schemes, other signatures, and none at all are not understood."""
        for sent in (
            "Basic YW5uOnB3",
            'OAuth oauth_consumer_key="a", oauth_signature="x"',
            'OAuth oauth_signature="%26"',
            (
                'OAuth oauth_consumer_key="a", oauth_signature_method="HMAC-SHA1", '
                'oauth_signature="%26x"'
            ),
        ):
            self.assertIsNone(from_header(sent), sent)


class FormTests(FarmTestCase):
    @given(st.dictionaries(st.text(max_size=25), st.text(max_size=25), max_size=5))
    def test_any_form_is_understood_or_not(self, form: dict[str, str]) -> None:
        """Nothing that is sent is an error of ours."""
        found = from_form({"oauth_consumer_key": "a", **form})
        self.assertTrue(found is None or found.consumer)

    def test_its_values_were_decoded_once(self) -> None:
        """The secret of a request token stands behind the ampersand."""
        form = {"oauth_consumer_key": "a b", "oauth_token": "k", "oauth_signature": "&s"}
        self.assertEqual(Signed("a b", "k", "s"), from_form(form))
