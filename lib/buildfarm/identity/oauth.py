"""OAuth 1.0 as launchpadlib speaks it: PLAINTEXT, in the Authorization header or in a form.

The signature of PLAINTEXT is the consumer's secret and the token's, joined by `&`; consumers have
no secret. What it proves is that the caller knows the token's secret, so the connection has to be
private: TLS, or the machine itself.

Layer 4. Tests: tests/unit/identity/test_oauth.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

# It begins with no white space, which a long header of nothing else would have tried at each place.
_PAIR = re.compile(r'([A-Za-z_]{1,40})="([^"]{0,500})"\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request says of who asks: a consumer's name, a token and the secret of that."""

    consumer: str
    token: str
    secret: str

    @property
    def is_anonymous(self) -> bool:
        """Whether it names no token: `login_anonymously`."""
        return not self.token


def from_header(header: str) -> Signed | None:
    """What an Authorization header says, or None where it is not OAuth PLAINTEXT."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "oauth":
        return None
    # The signature was percent-encoded once into `secret&secret`, and again into the header.
    values = {name: unquote(value) for name, value in _PAIR.findall(rest)}
    return _signed(values)


def from_form(form: Mapping[str, str]) -> Signed | None:
    """What a form of the token exchange says; its values have been decoded once."""
    return _signed(form)


def _signed(values: Mapping[str, str]) -> Signed | None:
    if values.get("oauth_signature_method", "PLAINTEXT") != "PLAINTEXT":
        return None
    consumer = values.get("oauth_consumer_key", "")
    _, separator, secret = values.get("oauth_signature", "").partition("&")
    if not consumer or not separator:
        return None
    return Signed(consumer, values.get("oauth_token", ""), unquote(secret))
