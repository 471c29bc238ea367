"""launchpadlib as the scripts use it, with every way to fail as one sentence.

Layer 7. Tests: tests/unit/scripts/test_client.py, tests/functional/scripts.
"""

import configparser
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from xml.etree.ElementTree import ParseError

import httplib2
from launchpadlib.credentials import AnonymousAccessToken, Consumer, Credentials
from launchpadlib.launchpad import Launchpad, LaunchpadOAuthAwareHttp
from lazr.restfulclient.errors import CredentialsError, HTTPError

from buildfarm.vocab.errors import FarmUnreachable, Refused
from buildfarm.vocab.text import one_line

#: Seconds for one question to the farm.
DEADLINE = 60.0

#: The version of the service that the scripts ask for.
VERSION = "devel"

#: Names a file with the authorities whose certificates count, as for other programs with OpenSSL.
AUTHORITIES_VARIABLE = "SSL_CERT_FILE"

_CONSUMER = "buildd-manager"


class Client(Launchpad):  # type: ignore[misc]
    """launchpadlib with our sentences, and without a cache on disk.

    A cache would keep every page of a farm's history, and would save one file of 40 kB.
    """

    def __init__(self, url: str, credentials: Any) -> None:
        self.url = url
        # Neither a path nor None, for which a temporary directory would be made.
        no_cache: Any = False
        super().__init__(credentials, None, None, f"{url}/", no_cache, DEADLINE, version=VERSION)

    def httpFactory(self, credentials: Any, cache: Any, timeout: Any, proxy_info: Any) -> Any:  # noqa: N802
        """What the requests are made with; launchpadlib's name."""
        return _Http(self, None, credentials, cache, timeout, proxy_info)


class _Http(LaunchpadOAuthAwareHttp):  # type: ignore[misc]
    def __init__(self, client: Client, *arguments: Any) -> None:
        super().__init__(client, *arguments)
        self._url = client.url
        if authorities := os.environ.get(AUTHORITIES_VARIABLE):
            self.ca_certs = authorities

    def request(self, *arguments: Any, **named: Any) -> Any:
        """One request and its answer. Raises FarmUnreachable."""
        with reaching(self._url):
            return super().request(*arguments, **named)


def anonymous() -> Any:
    """Credentials of nobody: good for reading what is public."""
    credentials = Credentials()
    credentials.consumer = Consumer(_CONSUMER)
    credentials.access_token = AnonymousAccessToken()
    return credentials


def credentials_in(path: Path) -> Any:
    """The credentials in a file. Raises Refused where it cannot be read, or holds none."""
    credentials = Credentials()
    try:
        with path.open(encoding="utf-8") as file:
            credentials.load(file)
    except OSError as error:
        raise Refused(f"The credentials {path} cannot be read: {error.strerror}.") from error
    except (configparser.Error, CredentialsError, UnicodeDecodeError) as error:
        raise Refused(f"{path} is no file of credentials as launchpadlib writes it.") from error
    return credentials


def connected(url: str, credentials: Any) -> Client:
    """A client of the farm at `url`. Raises FarmUnreachable; HTTPError for a token refused."""
    try:
        return Client(url, credentials)
    except HTTPError as error:
        if error.response.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS):
            raise
        raise _no_farm(url, f"it says {error.response.status}") from error
    except (ParseError, ValueError, KeyError, AttributeError) as error:
        raise _no_farm(url, "its answer is no description of a web service") from error


def _no_farm(url: str, why: str) -> FarmUnreachable:
    return FarmUnreachable(f"What answers at {url} is no build farm: {why}.")


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Make FarmUnreachable, with a sentence, of what goes wrong on the way to the farm at `url`."""
    try:
        yield
    except (OSError, HTTPException, httplib2.HttpLib2Error) as error:
        raise FarmUnreachable(_sentence(url, error)) from error


def _sentence(url: str, error: Exception) -> str:
    cause: Any = error.reason if isinstance(error, URLError) else error
    match cause:
        case ssl.SSLCertVerificationError():
            return (
                f"The certificate of {url} is not to be trusted: {cause.verify_message}. "
                f"{AUTHORITIES_VARIABLE} may name the file of an authority of your own."
            )
        case ssl.SSLError():
            return f"What answers at {url} does not speak TLS as it should: {one_line(str(cause))}."
        case TimeoutError():
            return f"The farm at {url} has not answered within {DEADLINE:.0f} s."
        case OSError(strerror=str(words)):
            return f"The farm at {url} cannot be reached: {words}."
    return f"The farm at {url} cannot be reached: {one_line(str(cause)) or type(cause).__name__}."


def said(error: HTTPError) -> str:
    """What the farm has said in refusing, as a sentence."""
    content = error.content
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
    return one_line(text) or f"The farm has answered {error.response.status} without a word."
